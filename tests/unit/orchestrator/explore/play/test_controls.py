import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.explore.play.controls import CHOICES, SLIDERS, Controls, ControlsError

KNOWN = ("single", "prefork", "epoll")


def any_controls() -> st.SearchStrategy[Controls]:
    """Return all controls that may be set."""
    numbers = {each.name: st.integers(each.low, each.high) for each in SLIDERS}
    words = {each.name: st.sampled_from(list(each.values)) for each in CHOICES}
    models = st.lists(st.sampled_from(KNOWN), min_size=1, max_size=2, unique=True).map(tuple)
    return st.builds(Controls, models=models, **numbers, **words)


@given(any_controls())
def test_controls_are_read_as_they_were_written(controls: Controls) -> None:
    data = json.loads(json.dumps(controls.as_data()))
    assert Controls.parse(data, KNOWN) == controls


def test_a_control_that_is_absent_has_its_default() -> None:
    assert Controls.parse({"models": ["epoll"]}, KNOWN) == Controls(("epoll",))


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([], "'[]' is not a map of controls"),
        ({}, "models: 'None' is not a list of one or two models"),
        ({"models": []}, "models: '[]' is not a list of one or two models"),
        ({"models": ["single", "prefork", "epoll"]}, "is not a list of one or two models"),
        ({"models": ["single", "single"]}, "models: single is there twice"),
        ({"models": ["preforc"]}, "models: unknown model 'preforc'; did you mean 'prefork'?"),
        ({"models": [{}]}, "models: unknown model '{}'"),
        ({"models": ["epoll"], "worker": 1}, "unknown control 'worker'; did you mean 'workers'?"),
        (
            {"models": ["epoll"], "workers": 0},
            "workers: '0' is out of range; allowed: a whole number from 1 to 32",
        ),
        ({"models": ["epoll"], "users": 10**400}, "is out of range; allowed: a whole number"),
        ({"models": ["epoll"], "users": 1.5}, "users: '1.5' is not a whole number"),
        ({"models": ["epoll"], "users": True}, "users: 'True' is not a whole number"),
        ({"models": ["epoll"], "work": "idle"}, "work: 'idle' is not known; allowed: sleep, cpu"),
        ({"models": ["epoll"], "load": []}, "load: '[]' is not known; allowed: users, rate"),
    ],
)
def test_an_error_says_what_where_and_what_is_allowed(data: object, problem: str) -> None:
    with pytest.raises(ControlsError) as error:
        Controls.parse(data, KNOWN)
    assert problem in str(error.value)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ControlsError) as error:
        Controls.parse({"models": [], "workers": 0, "work": 1, "none": 2}, KNOWN)
    assert len(error.value.problems) == 4


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda each: (
            st.lists(each, max_size=3)
            | st.dictionaries(
                st.sampled_from([*KNOWN, "models", "users", "work"]), each, max_size=4
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_a_page_sends_is_controls_or_refused(data: Any) -> None:  # noqa: ANN401
    with contextlib.suppress(ControlsError):
        parsed = Controls.parse(data, KNOWN)
        assert set(data) <= set(parsed.as_data())


def test_every_slider_stops_at_its_default() -> None:
    usual = Controls(("epoll",))
    assert [each.name for each in SLIDERS if getattr(usual, each.name) not in each.stops] == []
    assert all(list(each.stops) == sorted(set(each.stops)) for each in SLIDERS)
