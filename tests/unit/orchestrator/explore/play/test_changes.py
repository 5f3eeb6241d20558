import pytest

from orchestrator.explore.play.changes import change_text
from orchestrator.explore.play.controls import CHOICES, SLIDERS, Slider
from tests.unit.orchestrator.explore.play.play_fixtures import controls


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"users": 5}, "5 users instead of 6"),
        ({"workers": 1}, "1 worker instead of 5"),
        ({"service_ms": 1500}, "a service time of 1.5 s instead of 100 ms"),
        ({"long_ms": 1000}, "a long message of 1 s instead of none"),
        ({"work": "cpu"}, "a service that computes instead of a service that waits"),
        (
            {"variability": "exponential"},
            "exponential service times instead of constant service times",
        ),
        (
            {"users": 7, "messages": 1},
            "7 users instead of 6 and 1 message of each user instead of 2",
        ),
    ],
)
def test_a_change(values: dict[str, int | str], text: str) -> None:
    assert change_text(controls(**values), controls()) == text


def test_no_change_and_what_does_not_count_for_the_load_is_none() -> None:
    assert change_text(controls(), controls()) == ""
    assert change_text(controls(rate_per_s=90), controls()) == ""
    assert change_text(controls(load="rate", users=9), controls(load="rate")) == ""


def test_other_models_are_named() -> None:
    assert change_text(controls("single", "epoll"), controls("epoll")) == "single beside epoll"


def test_every_control_has_words() -> None:
    for load in ("users", "rate"):
        usual = controls(load=load)
        for control in (*SLIDERS, *CHOICES):
            values = control.stops if isinstance(control, Slider) else [*control.values]
            other = next(each for each in values if each != getattr(usual, control.name))
            if control.load in ("", load) and control.name != "load":
                assert " instead of " in change_text(usual.with_value(control.name, other), usual)
