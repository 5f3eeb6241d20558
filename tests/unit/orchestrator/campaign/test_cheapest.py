"""The cheapest case that holds, in runs and in predictions."""

import pytest

from orchestrator.campaign.cheapest import Candidate, cheapest, cheapest_text


def candidate(model: str, workers: int | None, *, holds: bool, **axes: int | str) -> Candidate:
    """Return a case; without workers, its model ignores them."""
    own = {} if workers is None else {"workers": workers}
    values = {**own, **axes}
    name = ",".join((model, *(f"{axis}={value}" for axis, value in values.items())))
    return Candidate(name, values, 1.0 if workers is None else float(workers), holds)


POOLS = [
    candidate("prefork", 2, holds=False),
    candidate("prefork", 4, holds=True),
    candidate("threaded", 4, holds=True),
    candidate("prefork", 8, holds=True),
]


def test_the_fewest_workers_win_and_equals_are_named_together() -> None:
    (found,) = cheapest(POOLS)
    assert (found.cases, found.workers) == (["prefork,workers=4", "threaded,workers=4"], 4)
    assert (found.holding, found.of) == (3, 4)
    text = "the cheapest cases that hold: prefork,workers=4, and threaded,workers=4 (4 workers)"
    assert cheapest_text(found) == text


@pytest.mark.parametrize(
    ("holds", "text"),
    [
        (True, "the cheapest case that holds: epoll (1 worker)"),
        (False,
         "the cheapest cases that hold: prefork,workers=4, and threaded,workers=4 (4 workers)"),
    ],
)  # fmt: skip
def test_a_model_without_a_pool_counts_as_one_worker(*, holds: bool, text: str) -> None:
    (found,) = cheapest([*POOLS, candidate("epoll", None, holds=holds)])
    assert cheapest_text(found) == text


def test_if_no_case_holds_it_says_so() -> None:
    (found,) = cheapest(
        [candidate("prefork", 2, holds=False), candidate("epoll", None, holds=False)]
    )
    assert cheapest_text(found) == "no case holds"
    assert (found.cases, found.workers, found.holding) == ([], None, 0)


def test_only_cases_at_the_same_load_are_compared() -> None:
    found = cheapest([
        candidate("prefork", 2, holds=True, users=5),
        candidate("prefork", 4, holds=True, users=5),
        candidate("prefork", 2, holds=False, users=10),
        candidate("prefork", 4, holds=True, users=10),
        candidate("single", None, holds=True, users=5),
    ])  # fmt: skip
    assert list(map(cheapest_text, found)) == [
        "the cheapest case that holds at users=5: single,users=5 (1 worker)",
        "the cheapest case that holds at users=10: prefork,workers=4,users=10 (4 workers)",
    ]


def test_without_an_axis_of_workers_no_case_is_cheaper() -> None:
    assert (
        cheapest([candidate("single", None, holds=True), candidate("epoll", None, holds=True)])
        == []
    )
    assert cheapest([]) == []
