"""What limits a case, from the measures at the load that it does not bear."""

from dataclasses import replace

import pytest

from orchestrator.capacity.limiting import LoadMeasures, limited_by
from orchestrator.capacity.trial_validity import CpuUse
from orchestrator.results.capacity import Limit
from orchestrator.scenario.server import Limits
from orchestrator.twin.parameters import Kind
from tests.unit.orchestrator.capacity.trial_fixtures import plan

CASE = plan().case
MEASURES = {"workers": 4.0, "makespan": 10.0, "utilization": 0.6, "idle_while_waiting": 0.4}


def at(server_s: float = 1.0, busy_s: float = 4.0, **values: float) -> LoadMeasures:
    """Return a trial of 10 s on two CPUs."""
    use = CpuUse(server_s, 1.0, busy_s, 10.0, 2.0)
    return LoadMeasures([{**MEASURES, **values}], [use])


@pytest.mark.parametrize(
    ("label", "measures", "limit", "evidence"),
    [
        (Kind.PROCESSES, at(), Limit.QUEUEING, "in service 60% of the time"),
        (Kind.PROCESSES, at(utilization=0.95), Limit.WORKERS, "in service 95% of the time"),
        (Kind.PROCESSES, at(utilization=0.95, refused=3), Limit.WORKERS, "95%"),
        (Kind.PROCESSES, at(offered_load=4.4, listen_overflows=12), Limit.WORKERS, "4.4 workers"),
        (Kind.PROCESSES, at(listen_overflows=12), Limit.ACCEPT_QUEUE, "12 connections found"),
        (Kind.PROCESSES_SPLIT, at(idle_while_waiting=8.0), Limit.ACCEPT_QUEUE, "idle 20% of"),
        (Kind.PROCESSES, at(server_s=18.0, busy_s=19.5), Limit.CPU, "1.80 of 2 CPUs"),
        (Kind.PROCESSES, at(server_s=3.0, busy_s=19.5), Limit.QUEUEING, "60%"),  # others took them
        (Kind.THREADS, at(server_s=9.8), Limit.INTERPRETER_LOCK, "used 0.98 CPUs"),
        (Kind.PROCESSES, at(server_s=9.8), Limit.QUEUEING, "60%"),
        (Kind.LOOP, at(server_s=9.8, workers=1), Limit.CPU, "its loop used 0.98 CPUs"),
        (Kind.LOOP, at(server_s=2.0, workers=1), Limit.QUEUEING, "nothing is used up"),
    ],
)
def test_the_measures_say_what_is_used_up(
    label: str, measures: LoadMeasures, limit: Limit, evidence: str
) -> None:
    found, text = limited_by(CASE, label, measures)
    assert found is limit
    assert evidence in text


def test_a_list_of_cpus_limits_as_a_quota_does() -> None:
    """One process of a pool that is kept on one of two CPUs uses it up with half of the machine."""
    limits = Limits(cpuset=1)
    bound = replace(CASE, settings=replace(CASE.settings, limits=limits))
    found, text = limited_by(bound, Kind.PROCESSES, at(server_s=9.8))
    assert (found, text) == (Limit.CPU, "it used 0.98 CPUs of the 1 that its limit allows")


def test_without_a_load_that_fails_or_an_event_log_nothing_is_known() -> None:
    assert limited_by(CASE, Kind.PROCESSES, LoadMeasures([], []))[0] is Limit.UNKNOWN
    found, text = limited_by(CASE, "", LoadMeasures([{}], []))
    assert found is Limit.UNKNOWN
    assert "no event log" in text
