"""From looks to measures: growth in the window, maxima, and unknown figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.kernel_measures import MIN_CONNECTIONS
from orchestrator.measures.registry import MEASURES
from orchestrator.results.client_samples import ClientRun
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.kernel_log import ACCEPT_QUEUE, KernelLog, Look
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    START_NS,
    Sent,
    at,
    connection,
    evidence,
    replica,
    served,
    texts,
)

MIB = 1 << 20


def look(t_ms: float, **fields: float) -> Look:
    """Return a look so many milliseconds after the start."""
    return {"t_ns": at(t_ms), "event": "looked", **fields}


def counted(t_ms: float, count: int) -> Look:
    """Return a look with every counter at ``count``."""
    return look(
        t_ms,
        listen_overflows=count, listen_drops=2 * count, retransmits=3 * count,
        cpu_user_s=count / 10, cpu_system_s=count / 5,
        context_switches_voluntary=4 * count, context_switches_involuntary=5 * count,
        cpu_periods=10 * count, throttled_periods=count, throttled_s=count / 100,
    )  # fmt: skip


def measured(
    *looks: Look, queue: Sequence[tuple[int, int, int]] = (), warmup_s: float = 0.0
) -> dict[str, float | None]:
    """Return the measures of a run of two messages, acked at 101 and 199 ms, with these looks."""
    log = KernelLog(looks, looks, np.array(list(queue), dtype=ACCEPT_QUEUE))
    sent = [Sent(0, 1, 101), Sent(1, 150, 199, due_ms=150)]
    events = [served(0, 1, 1, 101), served(1, 1, 150, 199)]
    told = evidence([replica(0, sent)], events, kernel=log, warmup_s=warmup_s)
    return analyse(told).measures


def test_counters_count_from_the_look_before_the_load_to_the_look_after_it() -> None:
    found = measured(counted(-900, 0), counted(-500, 10), counted(100, 11), counted(210, 14))
    expected = {
        "listen_overflows": 4, "listen_drops": 8, "retransmits": 12,
        "cpu_user_per_message": 0.2, "cpu_system_per_message": 0.4,
        "context_switches_voluntary_per_message": 8,
        "context_switches_involuntary_per_message": 10,
        "throttled": 0.1, "throttled_time": 0.04,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_warm_up_is_left_out_between_two_looks() -> None:
    """It ends at 125 ms, a quarter of the way from one look to the next; one ack comes after."""
    found = measured(counted(-500, 0), counted(100, 8), counted(200, 16), warmup_s=0.125)
    assert found["listen_overflows"] == pytest.approx(6)
    assert found["cpu_user_per_message"] == pytest.approx(0.6)


def test_a_server_that_was_started_again_begins_at_nothing_and_no_count_is_lost() -> None:
    found = measured(counted(-500, 5), counted(50, 9), counted(100, 2), counted(300, 3))
    assert found["listen_overflows"] == 4 + 3
    assert found["cpu_user_per_message"] == pytest.approx(0.35)


def test_a_probe_that_was_cut_off_counts_only_the_acks_that_it_saw() -> None:
    found = measured(counted(-500, 0), counted(150, 3))
    assert found["cpu_user_per_message"] == pytest.approx(0.3)


def test_what_is_highest_is_so_at_any_look_of_the_load() -> None:
    looks = [
        look(-900, processes=9, descriptors=9), look(-500, processes=5, descriptors=6),
        look(100, processes=6, descriptors=30), look(300, processes=6, descriptors=8),
    ]  # fmt: skip
    found = measured(*looks)
    assert (found["processes"], found["descriptors"], found["descriptors_last"]) == (6, 30, 8)


def test_the_accept_queue_is_as_deep_as_it_was_seen_under_load() -> None:
    queue = ((at(-5), 9, 128), (at(50), 2, 128), (at(60), 3, 128), (at(900), 7, 128))
    assert measured(queue=queue)["accept_queue_depth"] == 3
    assert measured(queue=queue[:1])["accept_queue_depth"] is None


def test_without_looks_nothing_is_known_and_nothing_is_guessed() -> None:
    unknown = {name for name, value in measured().items() if value is None}
    once = measured(counted(-500, 5))
    assert {"listen_overflows", "processes", "throttled", "memory_per_connection"} <= unknown
    assert once["listen_overflows"] is once["cpu_user_per_message"] is once["throttled"] is None
    assert unknown <= MEASURES.keys()


def test_without_a_quota_nothing_is_throttled() -> None:
    none = {"cpu_periods": 0, "throttled_periods": 0}
    assert measured(look(-5, **none), look(300, **none))["throttled"] == 0


@pytest.mark.parametrize(
    ("connections", "expected"), [(MIN_CONNECTIONS, 1024), (MIN_CONNECTIONS - 1, None)]
)
def test_memory_is_shared_out_when_most_connections_are_open(
    connections: int, expected: float | None
) -> None:
    rows = [connection(user) for user in range(connections)]
    memory = [(-900, 5 * MIB), (-500, MIB), (250, MIB + 1024 * connections), (501, MIB)]
    looks = tuple(
        look(t_ms, memory_anonymous_bytes=size, memory_pss_bytes=MIB * (at + 1))
        for at, (t_ms, size) in enumerate(memory)
    )
    sent = [Sent(user, 1, 400) for user in range(connections)]
    told = evidence([replica(0, sent, connections=rows)], [], kernel=KernelLog(looks))
    found = analyse(told).measures
    assert found["memory_per_connection"] == expected
    assert found["memory_pss"] == 4 * MIB, "how it grew shows nothing of the connections"


def test_the_cost_of_looking_is_measured() -> None:
    looks = [look(0, probe_cpu_s=0.05), look(100, probe_cpu_s=0.051), look(400, probe_cpu_s=1)]
    assert measured(*looks)["probe_cpu_share"] == pytest.approx(0.01)


LIMIT = FaultRecord("cpu-limit", at(1), at(1), at(2), at(2), None, "")


@pytest.mark.parametrize(
    ("changes", "is_doubt"),
    [({}, True), ({"inputs": {"workers": 5.0, "cpus": 0.5}}, False), ({"faults": (LIMIT,)}, False)],
)
def test_a_server_that_is_throttled_unasked_casts_doubt(
    changes: dict[str, Any], is_doubt: bool
) -> None:
    log = KernelLog((counted(-5, 1), counted(300, 4)))
    told = evidence([replica(0, [Sent(0, 1, 2)])], [served(0, 1, 1, 2)], kernel=log, **changes)
    doubt = "the server was throttled in 3 periods, though the scenario limits no CPU"
    assert (doubt in texts(analyse(told))) == is_doubt


def test_what_the_orchestrator_used_is_measured() -> None:
    told = evidence([replica(0, [Sent(0, 1, 2)])], [served(0, 1, 1, 2)])
    run = ClientRun(START_NS, told.clients.replicas, (), (), {"wall_s": 2.0, "own_cpu_s": 0.05})
    found = analyse(evidence([], [], clients=run)).measures
    assert found["orchestrator_cpu_share"] == pytest.approx(0.025)
