"""What is measured before, during and after the faults of a run."""

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.analyse import Analysis, analyse
from orchestrator.measures.views import WINDOWS
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.server_log import Event, Gap, GapKind
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    STOPPED,
    Sent,
    at,
    connection,
    evidence,
    listening,
    replica,
    served,
    texts,
)

PAUSED = FaultRecord("pause", at(1000), at(1001), at(2000), at(2003), error="")


def steady(*gaps_ms: tuple[int, int]) -> list[Sent]:
    """Return a message each 10 ms for 4 s that takes 1 ms, but those due in a gap until its end."""
    sent = []
    for number in range(400):
        due_ms = 10 * number
        over_ms = max([due_ms + 1, *(end + 1 for begin, end in gaps_ms if begin <= due_ms < end)])
        sent.append(Sent(0, due_ms, over_ms, message=number, due_ms=due_ms))
    return sent


def analysed(
    *faults: FaultRecord,
    sent: list[Sent] | None = None,
    warmup_s: float = 0,
    logged: Sequence[Event] = (),
) -> Analysis:
    told = evidence([replica(0, steady((1000, 2000)) if sent is None else sent)], logged)
    return analyse(dataclasses.replace(told, faults=faults, warmup_s=warmup_s))


def test_each_window_has_its_own_figures() -> None:
    found = analysed(PAUSED).views
    assert list(found) == ["before", "during", "after", "slowest"]
    assert found["before"]["throughput"] == pytest.approx(100, rel=0.01)
    assert found["during"]["throughput"] == 0
    assert found["during"]["response_time_max"] == pytest.approx(1.001, abs=0.002)
    assert found["after"]["acked"] == 300  # those that had waited, too
    assert found["after"]["response_time_p50"] == pytest.approx(0.001)


def test_what_fails_between_due_and_effect_is_failed_during_the_fault() -> None:
    late = dataclasses.replace(PAUSED, effect_ns=at(1060))
    sent = [*steady(), Sent(1, 1000, 1030, "reset", message=0, due_ms=1000)]
    found = analysed(late, sent=sent).views
    assert [found[window]["failed"] for window in WINDOWS] == [0, 1, 0]


def test_a_window_in_which_no_message_was_on_its_way_knows_nothing() -> None:
    """Not even that none failed: an expectation of it would hold without a measurement."""
    sent = [Sent(0, 100, 200, due_ms=100), Sent(0, 300, 900, "reset", message=1, due_ms=300)]
    found = analysed(PAUSED, sent=sent).views
    assert (found["before"]["acked"], found["before"]["failed"]) == (1, 1)
    assert set(found["during"].values()) == set(found["after"].values()) == {None}


def test_a_window_in_which_messages_only_waited_has_seen_them() -> None:
    found = analysed(PAUSED, sent=[Sent(0, 900, 2100, due_ms=900)]).views
    counts = {name: found["during"][name] for name in ("acked", "failed", "throughput")}
    assert counts == {"acked": 0, "failed": 0, "throughput": 0}


def test_a_window_in_which_every_connection_was_refused_has_seen_them() -> None:
    """The messages that waited for them have no row, as they were never sent."""
    never = [connection(number, None)._replace(begun_ns=at(1500)) for number in range(3)]
    told = evidence([replica(0, [Sent(5, 100, 200)], connections=[connection(5), *never])], [])
    found = analyse(dataclasses.replace(told, faults=(PAUSED,))).views
    assert (found["during"]["acked"], found["during"]["failed"]) == (0, 0)
    assert found["after"]["acked"] is None


INSTANTS_MS = st.integers(0, 3000)
KINDS = st.sampled_from(
    [("pause", True), ("kill-worker", False), ("terminate", False), ("terminate", True),
     ("kill", False), ("kill", True), ("reset_peer", True), ("reload", False)]
)  # fmt: skip


@st.composite
def faults(draw: st.DrawFn) -> FaultRecord:
    """Draw a fault of any kind that took effect, with an end if its kind has one."""
    kind, is_lasting = draw(KINDS)
    asked_ms, late_ms, lasted_ms = (draw(INSTANTS_MS) for _ in range(3))
    effect_ns = at(asked_ms + late_ms)
    end_ns = effect_ns + lasted_ms * 1_000_000 if is_lasting else None
    return FaultRecord(kind, at(asked_ms), effect_ns, end_ns, worker=1, error="")


@settings(max_examples=60)
@given(
    fault=faults(),
    logged_ms=st.lists(
        st.tuples(
            st.sampled_from(["worker_started", "listening", "stopped", "reload_ended"]), INSTANTS_MS
        ),
        max_size=4,
    ),
    warmup_ms=st.integers(0, 5000),
    sent=st.lists(
        st.tuples(INSTANTS_MS, st.integers(0, 2000), st.sampled_from(OUTCOMES)), max_size=12
    ),
)
def test_windows_are_a_partition_so_their_counts_add_up_to_the_run_s(
    fault: FaultRecord,
    logged_ms: list[tuple[str, int]],
    warmup_ms: int,
    sent: list[tuple[int, int, str]],
) -> None:
    logged = [
        {**listening(), **STOPPED, "event": name, "index": 1, "t_ns": at(t_ms)}
        for name, t_ms in logged_ms
    ]
    rows = [
        Sent(user, due_ms, due_ms + took_ms, outcome, due_ms=due_ms)
        for user, (due_ms, took_ms, outcome) in enumerate(sent)
    ]
    found = analysed(fault, sent=rows, warmup_s=warmup_ms / 1e3, logged=logged)
    for count in ("acked", "failed", "in_flight"):
        parts = [found.views[window][count] or 0 for window in WINDOWS]
        assert sum(parts) == found.measures[count]
    for window in WINDOWS:
        throughput = found.views[window]["throughput"]
        assert throughput is None or throughput >= 0


def test_a_window_counts_all_its_messages_and_times_those_after_the_warm_up() -> None:
    found = analysed(PAUSED, sent=steady(), warmup_s=0.5).views["before"]
    assert found["acked"] == 100
    assert found["throughput"] == pytest.approx(100, rel=0.03)  # 50 acks in half a second


def test_a_window_that_ends_within_the_warm_up_has_no_throughput() -> None:
    found = analysed(PAUSED, warmup_s=1.5).views["before"]
    assert (found["throughput"], found["response_time_max"]) == (None, None)


def test_without_a_fault_that_took_effect_there_are_no_windows() -> None:
    failed = FaultRecord("kill", at(1000), error="it had gone")
    found = analysed(failed)
    assert not {"before", "during", "after"} & found.views.keys()
    assert "fault kill: it had gone" in texts(found)


def test_a_process_killed_on_purpose_takes_log_lines_with_it_and_that_is_no_doubt() -> None:
    sent = [Sent(0, 1, 101), Sent(1, 1, 201)]
    told = evidence([replica(0, sent)], [served(0, 1, 1, 101)])
    end = Gap("server.log does not end with the event stopped", GapKind.END)
    log = dataclasses.replace(told.log, found=(end,))
    cut = dataclasses.replace(told, log=log)
    assert texts(analyse(cut)) == ["server.log does not end with the event stopped"]
    killed = FaultRecord("kill", at(50), at(51), error="")
    assert texts(analyse(dataclasses.replace(cut, faults=(killed,)))) == []


def test_a_window_has_the_goodput_of_its_acks_if_there_is_a_deadline() -> None:
    """In the fault nothing is answered; all that waited is, later, and half of it too late."""
    told = evidence([replica(0, steady((1000, 2000)))], (), faults=(PAUSED,))
    assert analyse(told).views["after"]["goodput"] is None
    found = analyse(dataclasses.replace(told, deadlines={"clients": 0.505})).views
    assert found["before"]["goodput"] == found["before"]["throughput"]
    assert found["during"]["goodput"] == 0
    lost_per_s = (found["after"]["throughput"] or 0) - (found["after"]["goodput"] or 0)
    assert lost_per_s * (3.991 - 2) == pytest.approx(50, rel=0.02)
