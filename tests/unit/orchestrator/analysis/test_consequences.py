"""When the first consequence of each kind of fault is over, read from logs made by hand."""

from collections.abc import Sequence
from typing import Any

import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.consequences import NEVER_NS, over_ns
from orchestrator.analysis.windows import span_of_consequences
from orchestrator.measures.views import WINDOWS
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.server_log import Event, log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    Sent,
    accepted,
    at,
    evidence,
    replica,
)

KILLED = FaultRecord("kill-worker", at(1000), at(1010), worker=2, error="")
RESTARTED = FaultRecord("kill", at(1000), at(1010), at(1510), at(1700), error="", lasts_ns=500)
TERMINATED = FaultRecord("terminate", at(1000), at(1010), error="")


def logged(name: str, t_ms: float, **fields: object) -> Event:
    return {"event": name, "t_ns": at(t_ms), "workers": 2, "peak_memory_bytes": 1,
            "cpu_user_s": 0.0, "cpu_system_s": 0.0, **fields}  # fmt: skip


def started(worker: int, t_ms: float) -> Event:
    return logged("worker_started", t_ms, index=worker, worker_pid=7)


def over_ms(fault: FaultRecord, *events: Event, **changes: Any) -> float | None:  # noqa: ANN401 any field
    """Return when ``fault`` was over, in milliseconds; None if it never was."""
    found_ns = over_ns(fault, evidence([], events, **changes))
    assert found_ns is not None
    return None if found_ns == NEVER_NS else (found_ns - at(0)) / 1e6


AFTER_A_KILL = [started(1, -50), started(2, -50), accepted("2.1", 2, 900, 1), started(2, 1020)]


@pytest.mark.parametrize(
    ("events", "expected_ms"),
    [
        ([accepted("1.2", 1, 1030, 2), accepted("2.2", 2, 1060, 3)], 1060),  # its own first
        ([accepted("2.2", 2, 1300, 2), accepted("2.3", 2, 1060, 3)], 1060),  # not in order
        ([], 2020),  # no connection came to it: a second after its start
        ([accepted("2.2", 2, 3000, 2)], 2020),
    ],
)
def test_a_killed_worker_is_replaced_when_the_next_one_accepts(
    events: Sequence[Event], expected_ms: float
) -> None:
    assert over_ms(KILLED, *AFTER_A_KILL, *events) == expected_ms


def test_a_killed_worker_that_is_never_replaced_is_missing_until_the_end() -> None:
    assert over_ms(KILLED, started(2, -50), started(1, 1020)) is None


def test_a_server_that_is_started_again_is_back_when_it_listens() -> None:
    """By its log, since each backend takes its own time to notice that."""
    assert over_ms(RESTARTED, logged("listening", 1650)) == 1650
    assert over_ms(RESTARTED) is None


def test_a_server_that_is_told_to_stop_is_gone_when_its_clients_have_noticed() -> None:
    assert over_ms(TERMINATED, logged("stopped", 1200)) == 1300


def test_a_reload_is_over_when_the_last_worker_is_replaced_even_before_its_effect_was_noted() -> (
    None
):
    """An engine answers later than the server acts."""
    reload = FaultRecord("reload", at(1000), at(1040), error="")
    ended = [logged("reload_ended", t_ms) for t_ms in (900, 1030, 3000)]
    assert over_ms(reload, *ended) == 1030
    assert over_ms(reload, ended[0]) is None


def test_a_killed_server_is_gone_at_once() -> None:
    assert over_ms(FaultRecord("kill", at(1000), at(1010), error="")) == 1110


@pytest.mark.parametrize(
    ("fault", "expected_ms"),
    [
        (KILLED, 2010),
        (RESTARTED, 1700),
        (TERMINATED, 1350),
        (FaultRecord("reload", at(1000), at(1010), error=""), 2010),
    ],
)
def test_without_an_event_log_it_is_what_the_backend_saw_or_the_stated_time(
    fault: FaultRecord, expected_ms: float
) -> None:
    silent: dict[str, Any] = {
        "has_event_log": False,
        "log": log_of([]),
        "server_ends_ns": (at(500), at(1250)),
    }
    assert over_ms(fault, **silent) == expected_ms


def test_a_fault_that_lasts_is_over_when_it_begins_to_be_undone() -> None:
    paused = FaultRecord("pause", at(1000), at(1001), at(2000), at(2003), error="")
    assert over_ms(paused) == 2000
    assert over_ns(FaultRecord("pause", at(1000)), evidence([], [])) is None


def test_the_window_lasts_until_the_last_fault_is_over() -> None:
    told = evidence([], [started(2, 1020)], faults=(RESTARTED, KILLED))
    span = span_of_consequences(told)
    assert span is not None
    assert (span.begin_ns, span.end_ns) == (at(1000), NEVER_NS)


def test_messages_that_a_killed_worker_lost_have_failed_during_the_fault() -> None:
    """The reset reaches the client after the kill, which takes no time."""
    sent = [Sent(0, 990, 1012, "reset", due_ms=990), Sent(1, 1100, 1101, due_ms=1100)]
    events = [*AFTER_A_KILL, accepted("2.2", 2, 1060, 3)]
    found = analyse(evidence([replica(0, sent)], events, faults=(KILLED,))).views
    assert [found[window]["failed"] for window in WINDOWS] == [0, 1, 0]
    assert found["after"]["acked"] == 1
