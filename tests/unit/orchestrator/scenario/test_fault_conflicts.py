"""Faults that rule each other out are refused before the run, with their places in the file."""

import pytest

from orchestrator.scenario.fault_conflicts import conflicts, fault_names
from orchestrator.scenario.faults import CPU_LIMIT, FAULTS, FILL_BACKLOG, Fault
from tests.unit.orchestrator.scenario.text_fixtures import GOOD, Problems

AWAY = "{at: %s, fault: disconnect-host, lasts: 1s, host: laptop}"
PAUSE = "{at: 1s, fault: pause, lasts: 2s}"


@pytest.mark.parametrize(
    ("faults", "problem"),
    [
        (f"[{PAUSE}, {{at: 2s, fault: kill}}]",
         "6:50: at: kill cannot begin then: the pause at 1s stops the server until 3s"),
        (f"[{PAUSE}, {{at: 1s, fault: kill-worker}}]",
         "6:50: at: kill-worker cannot begin then: the pause at 1s stops the server until 3s"),
        (f"[{PAUSE}, {{at: 2s, fault: reload}}]\nmodels: [prefork]",
         "6:50: at: reload cannot begin then: the pause at 1s stops the server until 3s"),
        (f"[{{at: 500ms, fault: kill}}, {PAUSE}]",
         "6:41: at: pause cannot begin then: the kill at 500ms ends the server for good; with "
         "lasts, it is started again after that time"),
        (f"[{PAUSE}, {{at: 500ms, fault: terminate, lasts: 1s}}]",
         "6:15: at: pause cannot begin then: the terminate at 500ms ends the server until 1.5s"),
        ("[{at: 1s, fault: disconnect, lasts: 1s}, {at: 1500ms, fault: kill, lasts: 1s}]",
         "6:55: at: kill cannot begin then: the disconnect at 1s takes the server off its network "
         "until 2s"),
        (f"[{AWAY % '1s'}, {AWAY % '1500ms'}]",
         "6:74: at: disconnect-host cannot begin then: the disconnect-host at 1s cuts the same "
         "host off until 2s"),
    ],
)  # fmt: skip
def test_a_fault_that_another_rules_out_is_refused_at_its_place(
    problems: Problems, faults: str, problem: str
) -> None:
    assert problems(f"{GOOD}faults: {faults}\n") == [problem]


@pytest.mark.parametrize("kind", FAULTS)
def test_nothing_is_done_to_a_server_that_a_fault_has_ended(kind: str) -> None:
    faults = [Fault(at="1s", fault="kill", lasts="1s"), Fault(at="1500ms", fault=kind, lasts="1s")]
    assert [index for index, _ in conflicts(faults)] == [1]


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(at="1s", fault="pause", lasts="1s"), Fault(at="2s", fault="kill")],
        [Fault(at="1s", fault="kill", lasts="1s"), Fault(at="2s", fault="pause", lasts="1s")],
        [Fault(at="1s", fault="terminate"), Fault(at="2s", fault="kill")],
        [Fault(at="1s", fault="kill"), Fault(at="2s", fault="latency", lasts="1s")],
        [Fault(at="1s", fault="pause", lasts="2s"), Fault(at="2s", fault="pause", lasts="2s")],
        [Fault(at="1s", fault="pause", lasts="2s"), Fault(at="2s", fault=FILL_BACKLOG, lasts="2s")],
        [
            Fault(at="1s", fault="disconnect-host", host="a", lasts="1s"),
            Fault(at="1s", fault="disconnect-host", host="b", lasts="1s"),
            Fault(at="2s", fault="disconnect-host", host="a", lasts="1s"),
        ],
        [Fault(at="1s", fault=CPU_LIMIT, lasts="2s"), Fault(at="2s", fault="kill", lasts="2s")],
    ],
)
def test_faults_that_one_server_can_suffer_together_are_allowed(faults: list[Fault]) -> None:
    assert list(conflicts(faults)) == []


def test_the_names_of_a_run_s_faults_are_all_different() -> None:
    faults = [Fault(at=at, fault="latency", lasts="1s") for at in ("1s", "1s", "2s")]
    assert fault_names(faults) == ["latency at 1s", "latency at 1s, number 2", "latency at 2s"]
