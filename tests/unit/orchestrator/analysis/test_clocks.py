from dataclasses import asdict

import pytest

from labkit.clock import Clock
from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.clocks import find_other_clocks
from orchestrator.analysis.evidence import Evidence
from orchestrator.results.server_log import log_of
from orchestrator.results.summary import ReasonKind
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    STOPPED,
    Sent,
    evidence,
    listening,
    replica,
    served,
)

HERE = Clock("b00t", 0)
AHEAD = Clock("b00t", 86_400_000_000_000)
ELSEWHERE = Clock("0ther", 0)
NEEDED = "all programs of a run on one host need the same clock"


def run_of(server: Clock | None, *replicas: Clock | None, again: Clock | None = None) -> Evidence:
    """Return the evidence of a run with these clocks, each replica with a message."""
    begun = {**listening(), "clock": server and asdict(server)}
    starts = [begun] if again is None else [begun, STOPPED, {**begun, "clock": asdict(again)}]
    events = [served(0, 1, 1 + 100 * n, 101 + 100 * n, n) for n in range(len(replicas))]
    own = [
        replica(n, [Sent(0, 1 + 100 * n, 102 + 100 * n)], clock=clock)
        for n, clock in enumerate(replicas)
    ]
    return evidence(own, [], log=log_of([*starts, *events, STOPPED]))


@pytest.mark.parametrize(
    "found",
    [
        run_of(HERE, HERE, HERE),
        run_of(HERE, None, HERE),
        run_of(None, AHEAD, AHEAD),
        run_of(AHEAD, AHEAD),
        run_of(None, None),
        run_of(HERE, HERE, again=HERE),
    ],
)
def test_a_run_with_one_clock_is_valid(found: Evidence) -> None:
    assert list(find_other_clocks(found)) == []


def test_replicas_in_another_time_namespace_are_named_with_the_offset() -> None:
    assert list(find_other_clocks(run_of(HERE, AHEAD, HERE, AHEAD))) == [
        "replica 0 and 1 more had a clock 86400 s ahead of the server's, by the offset of a time "
        f"namespace (/proc/self/timens_offsets); {NEEDED}"
    ]


def test_each_other_clock_is_named_once() -> None:
    behind = Clock("b00t", -1)
    found = list(find_other_clocks(run_of(HERE, behind, AHEAD, ELSEWHERE)))
    assert [each.partition(" had ")[0] for each in found] == [
        "replica 0", "replica 1", "replica 2",
    ]  # fmt: skip
    assert "had a clock 1e-09 s behind the server's" in found[0]
    assert "of another kernel than the server's: boot id '0ther', not 'b00t'" in found[2]


def test_without_the_clock_of_the_server_replicas_are_compared_with_each_other() -> None:
    (found,) = find_other_clocks(run_of(None, HERE, AHEAD))
    assert found.startswith("replica 1 had a clock 86400 s ahead of that of the first replica")


def test_a_server_that_is_started_again_with_another_clock_is_named() -> None:
    (found,) = find_other_clocks(run_of(HERE, HERE, again=AHEAD))
    assert found.startswith("the server, started again, had a clock 86400 s ahead of its first one")


def test_other_clocks_make_a_run_invalid_and_nothing_forgives_it() -> None:
    kinds = [each.kind for each in analyse(run_of(HERE, AHEAD)).inconsistencies]
    assert kinds == [ReasonKind.OTHER_CLOCK]
