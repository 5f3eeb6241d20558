from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings

from orchestrator.explore.play.controls import Controls, ControlsError
from orchestrator.explore.play.from_scenario import Fit, controls_of
from orchestrator.explore.play.to_scenario import scenario_of
from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD
from orchestrator.scenario.load import parse_scenario
from orchestrator.scenario.models import discover_models
from orchestrator.scenario.scenario import Scenario
from tests.page_commands import scenario_on
from tests.unit.orchestrator.explore.play.test_controls import any_controls

USUAL = Controls(("epoll",))
CLOSED = {"executor": "closed", "users": 2, "messages": 2, "demand": "sleep=10ms"}


def fit(*, clients: Sequence[dict[str, Any]] = (CLOSED,), **keys: Any) -> Fit:  # noqa: ANN401
    """Return the controls of a scenario with ``keys``."""
    written = {"intent": "Who waits?", "models": ["epoll"], "clients": list(clients), **keys}
    context = {"known_models": discover_models(), MAX_LOAD: RUN_LOAD}
    return controls_of(Scenario.model_validate(written, context=context))


@settings(max_examples=50)
@given(any_controls())
def test_controls_come_back_from_their_scenario(chosen: Controls) -> None:
    found = controls_of(scenario_of(chosen)).controls
    hidden = ("users", "messages", "think_ms") if chosen.is_open else (
        "rate_per_s", "seconds", "arrivals",
    )  # fmt: skip
    for name in hidden:
        chosen = chosen.with_value(name, getattr(found, name))
    assert found == chosen


def test_units_and_defaults_do_not_matter() -> None:
    found = fit(clients=[{**CLOSED, "demand": "cpu=exponential(0.1s)", "think_time": "0.02s"}])
    assert found.controls.work == "cpu"
    assert (found.controls.service_ms, found.controls.variability) == (100, "exponential")
    assert (found.controls.think_ms, found.controls.workers) == (20, 5)
    own = fit(clients=[{**CLOSED, "demand": None}], server={"service_time": "50ms"})
    assert (own.controls.service_ms, own.controls.work) == (50, "sleep")


def test_the_scenario_of_the_readme_can_be_shown() -> None:
    scenario = parse_scenario("mine.yaml", scenario_on("README.md"), discover_models())
    assert controls_of(scenario).controls.models == ("prefork", "threaded")


def test_what_is_left_out_is_said() -> None:
    found = fit(models=["single", "prefork", "epoll"], matrix={"workers": [3, 4]})
    assert (found.controls.models, found.controls.workers) == (("single", "prefork"), 3)
    assert found.remarks == (
        "two models can be shown side by side, so epoll is left out",
        "the matrix is left out: the controls have its first point",
    )


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"faults": [{"at": "1s", "fault": "pause", "lasts": "1s"}]}, "faults: Play has none"),
        ({"limits": {"cpus": 1}}, "limits: Play has none"),
        ({"interpreter": "3.13t"}, "interpreter: Play has the lab's own only"),
        ({"server": {"blocking_sleep": True}}, "server: no control for blocking_sleep"),
        ({"clients": [{**CLOSED, "users": 900}]}, "users: '900' is out of range"),
        ({"clients": [{**CLOSED, "demand": "sleep=1.5ms"}]}, "in ms is 1.5; Play has whole"),
        ({"clients": [{**CLOSED, "demand": "sleep=1ms, sleep=2ms"}]}, "Play has sleep or cpu"),
        ({"clients": [{**CLOSED, "demand": "sleep=bimodal(1ms, 2ms, share=0.5)"}]}, "or hyperexp"),
        ({"clients": [{**CLOSED, "think_time": "exponential(1ms)"}]}, "has constant ones"),
        ({"clients": [{**CLOSED, "behaviour": "no-goodbye"}]}, "is no-goodbye; Play: polite"),
        ({"clients": [{**CLOSED, "start": "1s"}]}, "starts at 1s; Play has no start"),
        ({"clients": [{**CLOSED, "duration": "1s"}]}, "no control for duration"),
        (
            {"clients": [{"executor": "closed", "users": 1, "duration": "1s"}]},
            "has no number of messages",
        ),
        (
            {"clients": [{**CLOSED, "name": "one"}, {**CLOSED, "name": "two"}]},
            "Play has one group; here: one, two",
        ),
        (
            {"clients": [{"executor": "open", "rate": "9/s", "duration": "1s", "connections": 2}]},
            "has a pool; Play: connections: each",
        ),
    ],
)
def test_what_no_control_can_be_set_to_is_named(keys: dict[str, Any], problem: str) -> None:
    with pytest.raises(ControlsError) as error:
        fit(**keys)
    assert problem in str(error.value)
