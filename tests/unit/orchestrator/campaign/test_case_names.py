from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.campaign.case_names import CaseKey, CaseNames, axes_of


def cases(models: Sequence[str], **axes: Sequence[object]) -> list[CaseKey]:
    """Return a case for each model and combination of values."""
    points: list[dict[str, object]] = [{}]
    for axis, values in axes.items():
        points = [{**point, axis: value} for point in points for value in values]
    return [CaseKey(model, axes_of(point)) for point in points for model in models]


MODELS = cases(["single", "prefork", "threaded"])
SWEEP = cases(["prefork"], workers=[1, 2, 8])
BOTH = cases(["prefork", "epoll"], workers=[1, 2, 8])
IGNORED = [*cases(["prefork"], workers=[1, 2]), *cases(["epoll"])]


@pytest.mark.parametrize(
    ("every", "chosen", "expected"),
    [
        (MODELS, MODELS[:1], "under single"),
        (MODELS, MODELS[1:], "under prefork and threaded"),
        (SWEEP, SWEEP[:1], "with 1 worker"),
        (SWEEP, SWEEP[1:], "with 2 and 8 workers"),
        (BOTH, BOTH[:2], "with 1 worker"),
        (BOTH, BOTH[::2], "under prefork"),
        (BOTH, BOTH[1:2], "under epoll with 1 worker"),
        (BOTH, [BOTH[0], BOTH[2]], "under prefork with 1 and 2 workers"),
        (BOTH, [BOTH[0], BOTH[3]], "under prefork with 1 worker and epoll with 2 workers"),
        (IGNORED, IGNORED[:1], "under prefork with 1 worker"),
        (IGNORED, IGNORED[1:], "under prefork with 2 workers and epoll"),
    ],
)
def test_only_what_distinguishes_cases_is_named(
    every: list[CaseKey], chosen: list[CaseKey], expected: str
) -> None:
    assert CaseNames(every).phrase(chosen) == expected


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ({"backlog": [2, 16]}, "backlog 16"),
        ({"cpus": [1, 2]}, "2 CPUs"),
        ({"slow.users": [1, 5]}, "5 users of slow"),
        ({"blocking_sleep": [False, True]}, "blocking sleep true"),
        ({"rate": ["28/s", "56/s"], "workers": [1]}, "rate 56/s"),
    ],
)
def test_a_value_of_an_axis_is_named_as_a_reader_would(
    axes: dict[str, list[object]], expected: str
) -> None:
    every = cases(["prefork"], **axes)
    assert CaseNames(every).noun(every[-1:]) == expected


def test_axes_that_move_together_are_named_together() -> None:
    every = [CaseKey("prefork", (("workers", str(n)), ("rate", f"{14 * n}/s"))) for n in (2, 4)]
    assert CaseNames(every).noun(every[:1]) == "2 workers, rate 28/s"


@pytest.mark.parametrize(
    ("every", "expected"),
    [(MODELS, "under no model"), (SWEEP, "with no number of workers"), (BOTH, "in no case"),
     (cases(["single"], backlog=[2, 16]), "with no value of backlog")],
)  # fmt: skip
def test_none_and_all_have_a_name(every: list[CaseKey], expected: str) -> None:
    assert CaseNames(every).whole(is_all=False) == expected
    assert CaseNames(every).whole(is_all=True) == expected.replace(" no ", " every ")


@pytest.mark.parametrize(
    ("every", "chosen", "expected"),
    [(MODELS, MODELS[:1], False), (MODELS, MODELS[1:], True), (SWEEP, SWEEP[:1], False),
     (SWEEP, SWEEP[1:2], True), (BOTH, BOTH[::2], False), (BOTH, BOTH[:1], False),
     (cases(["single"], backlog=[2, 16]), [], False)],
)  # fmt: skip
def test_the_noun_of_a_model_at_several_points_is_in_the_singular(
    every: list[CaseKey], chosen: list[CaseKey], *, expected: bool
) -> None:
    assert CaseNames(every).are_several(chosen or every[:1]) is expected


@given(st.sets(st.sampled_from(BOTH), min_size=1))
def test_any_set_of_cases_has_a_name_of_its_own(chosen: set[CaseKey]) -> None:
    names = CaseNames(BOTH)
    others = [set(BOTH) - {each} for each in BOTH]
    assert all((names.noun(chosen) == names.noun(other)) == (chosen == other) for other in others)
