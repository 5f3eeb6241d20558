"""What a person is told while a load runs."""

import io
import time

import pytest
from rich.console import Console

from labkit.wire.progress import Pulse, sum_of
from orchestrator.campaign import progress
from orchestrator.campaign.progress import Pace, follow
from orchestrator.results.summary import Fitness, Instrument, RunSummary
from orchestrator.scenario.clients import ClosedGroup
from orchestrator.scenario.matrix import CaseSettings
from orchestrator.scenario.plan import Case, Run
from orchestrator.scenario.server import Limits, ServerSettings

GROUP = ClosedGroup(executor="closed", users=4, messages=250)
SETTINGS = CaseSettings(ServerSettings(), Limits(), (GROUP,))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time, which stands still until a test changes it."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_rate_and_time_left_follow_from_two_pulses(clock: list[float]) -> None:
    pace = Pace(planned=1000, duration_s=None)
    assert pace.describe(Pulse(acked=100, connections=4)) == "4 connections"
    clock[0] += 2.0
    assert pace.describe(Pulse(acked=300, connections=4)) == "100.0 /s, 4 connections, 7 s left"


def test_of_a_duration_the_clock_tells_what_is_left(clock: list[float]) -> None:
    pace = Pace(planned=None, duration_s=10.0)
    assert pace.describe(Pulse(connections=2)) == "2 connections, 10 s left"
    clock[0] += 12.0
    assert "9 connections, 4 of them wait to be accepted" in pace.describe(Pulse(connections=9), 4)
    clock[0] += 1.0
    assert pace.describe(Pulse(failed=3, errors=1)).endswith(
        "0 connections, 3 failed, 1 error, 0 s left"
    )


def test_a_log_is_told_now_and_then(clock: list[float]) -> None:
    out = io.StringIO()
    shown = follow(Console(file=out))
    shown.run_begun(1, 2, Run(Case("epoll", {}, SETTINGS, seed=1), 1, 1))
    shown.step("under load")
    shown.pulse(Pulse(acked=5))
    clock[0] += progress.QUIET_S
    shown.pulse(Pulse(acked=7, connections=4))
    assert out.getvalue().splitlines() == [
        "[1/2] epoll: under load",
        "[1/2] epoll: 7 of 1000 acknowledged, 4 connections",
    ]


def test_pulses_add_up() -> None:
    assert sum_of([Pulse(1, 2, 3, 4), Pulse(10, 20, 30, 40)]) == Pulse(11, 22, 33, 44)
    assert sum_of([]) == Pulse()


def test_a_silence_is_broken_by_what_is_waited_for(clock: list[float]) -> None:
    out = io.StringIO()
    shown = follow(Console(file=out))
    shown.preparing("docker")
    clock[0] += progress.QUIET_S - 1
    shown.break_silence()
    assert len(out.getvalue().splitlines()) == 1
    clock[0] += 1
    shown.break_silence()
    shown.run_begun(1, 2, Run(Case("epoll", {}, SETTINGS, seed=1), 1, 1))
    shown.step("stopping")
    shown.waits_for("the Docker engine: stopping containers")
    clock[0] += progress.QUIET_S
    shown.break_silence()
    shown.break_silence()
    assert out.getvalue().splitlines()[1:] == [
        "waiting for the Docker engine: preparing images",
        "[1/2] epoll: stopping",
        "[1/2] epoll: waiting for the Docker engine: stopping containers",
    ]
    assert progress.QUIET_S + progress.NO_PULSE_S + progress.LOOK_EVERY_S < 15


def test_a_run_that_does_not_count_is_printed_with_the_reason(clock: list[float]) -> None:
    assert clock
    out = io.StringIO()
    shown = follow(Console(file=out))
    shown.run_begun(3, 4, Run(Case("epoll", {}, SETTINGS, seed=1), 1, 2, attempt=2))
    found = RunSummary(
        slug="epoll/1+1", measures={}, invalid=["host_delay < 5% does not hold"], overhead_s=0.0,
        instrument=Instrument(fitness=Fitness.OK, reasons=[]),
    )  # fmt: skip
    shown.run_disturbed(found)
    assert out.getvalue().splitlines() == [
        "[3/4] epoll (1 of 2), retry 1: disturbed by the host: host_delay < 5% does not hold"
    ]
