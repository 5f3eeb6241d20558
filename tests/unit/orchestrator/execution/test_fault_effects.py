"""What overlapping faults of each kind do to the server, without time."""

import contextlib

import pytest

from orchestrator.execution.fault_effects import ACTIONS, STATES, DueFault, Effects
from orchestrator.scenario.faults import ENDING, KINDS, LASTING, Fault
from tests.unit.orchestrator.execution.server_fixtures import RecordingServer


def due(kind: str, name: str, cpus: float | None = None) -> DueFault:
    return DueFault(name, 0, Fault(at="1s", fault=kind, lasts="1s", cpus=cpus))


def test_every_kind_of_fault_has_one_meaning() -> None:
    assert sorted([*STATES, *ACTIONS]) == sorted(KINDS)


def test_a_reload_reaches_the_server_and_is_not_reverted() -> None:
    server = RecordingServer()
    effects = Effects(server)
    reload = DueFault("a", 0, Fault(at="1s", fault="reload"))
    assert effects.begin(reload)
    effects.end(reload)
    assert server.actions == ["reload"]


def test_a_host_is_cut_off_and_joined_by_its_name() -> None:
    server = RecordingServer()
    effects = Effects(server)
    away = DueFault("a", 0, Fault(at="1s", fault="disconnect-host", host="laptop", lasts="1s"))
    effects.prepare(away)
    assert effects.begin(away)
    effects.end(away)
    steps = ["prepare to disconnect laptop", "disconnect laptop", "reconnect laptop"]
    assert server.actions == steps


@pytest.mark.parametrize("kind", [*LASTING, *ENDING])
def test_a_fault_that_lasts_can_be_reverted(kind: str) -> None:
    assert kind in STATES or ACTIONS[kind].revert


@pytest.mark.parametrize(
    ("kind", "begun", "ended"),
    [("pause", "pause", "resume"), ("disconnect", "disconnect", "reconnect")],
)
@pytest.mark.parametrize("first", [0, 1])
def test_a_state_that_two_faults_ask_for_ends_with_the_last_of_them(
    kind: str, begun: str, ended: str, first: int
) -> None:
    server = RecordingServer()
    effects, faults = Effects(server), [due(kind, "a"), due(kind, "b")]
    for each in faults:
        effects.begin(each)
    effects.end(faults[first])
    assert server.actions == [begun]
    effects.end(faults[1 - first])
    assert server.actions == [begun, ended]


@pytest.mark.parametrize(
    ("first", "expected"),
    [(0, ["cpus 2.0", "cpus 0.5", "cpus None"]),
     (1, ["cpus 2.0", "cpus 0.5", "cpus 2.0", "cpus None"])],
)  # fmt: skip
def test_of_two_cpu_limits_the_later_one_applies_while_both_last(
    first: int, expected: list[str]
) -> None:
    server = RecordingServer()
    effects, faults = Effects(server), [due("cpu-limit", "a", 2), due("cpu-limit", "b", 0.5)]
    for each in faults:
        effects.begin(each)
    effects.end(faults[first])
    effects.end(faults[1 - first])
    assert server.actions == expected


class Failing(RecordingServer):
    """A server on which the second CPU limit cannot be set, and reports what it is asked."""

    def limit_cpus(self, cpus: float | None) -> None:
        super().limit_cpus(cpus)
        if cpus == 0.5:
            raise ConnectionError("the answer was lost")


def test_a_state_that_could_not_be_set_is_put_back_to_the_one_before() -> None:
    server = Failing()
    effects, outer = Effects(server), due("cpu-limit", "a", 2)
    effects.begin(outer)
    with pytest.raises(ConnectionError):
        effects.begin(due("cpu-limit", "b", 0.5))
    effects.end(outer)
    assert server.actions == ["cpus 2.0", "cpus 0.5", "cpus 2.0", "cpus None"]


@pytest.mark.parametrize("kind", ENDING)
def test_a_server_that_could_not_be_stopped_is_not_started_again(kind: str) -> None:
    server = RecordingServer(is_gone=True)
    with contextlib.suppress(Exception):
        Effects(server).begin(due(kind, "a"))
    assert server.actions == []
