"""What a search found, in sentences."""

from orchestrator.capacity.answer import answer_of, bounds_text
from orchestrator.capacity.searched_group import SearchedGroup
from orchestrator.results.capacity import CaseCapacity, Limit, LoadKind, Verdict
from orchestrator.results.summary import Cheapest

GROUP = SearchedGroup(0, "clients", LoadKind.RATE)


def case(name: str = "prefork", **changes: object) -> CaseCapacity:
    found = CaseCapacity(
        name=name,
        model="prefork",
        axes={},
        lower=180.0,
        upper=200.0,
        ended="",
        is_complete=True,
        limited_by=Limit.WORKERS,
        loads=[],
    )
    return found.model_copy(update=changes)


def test_the_bounds_of_a_case_are_words() -> None:
    assert bounds_text(case(), GROUP) == "180.0 /s to 200.0 /s, limited by workers busy"
    assert bounds_text(case(lower=None), GROUP) == "less than 200.0 /s"
    assert bounds_text(case(upper=None), GROUP) == "at least 180.0 /s"
    assert bounds_text(case(lower=None, upper=None, ended="why"), GROUP) == "no bound; why"


def test_a_limit_that_is_none_of_the_server_is_no_figure() -> None:
    clients = case(lower=None, upper=None, limited_by=Limit.CLIENTS, evidence="they were late")
    assert bounds_text(clients, GROUP) == "no figure; limited by clients: they were late"


def test_with_a_load_the_answer_begins_with_those_that_hold_there() -> None:
    cases = [case("a", at=Verdict.HOLDS), case("b", at=Verdict.FAILS)]
    found = [Cheapest(axes={}, cases=["a"], workers=2, of=2, holding=1)]
    assert answer_of(GROUP, 190.0, cases, found)[:3] == [
        "at 190.0 /s the objectives hold: a",
        "at 190.0 /s the objectives do not hold: b",
        "at 190.0 /s, the cheapest case that holds: a (2 workers)",
    ]
    assert len(answer_of(GROUP, None, cases, [])) == 2


def test_arrivals_that_are_not_random_are_mentioned() -> None:
    first, _ = answer_of(GROUP, None, [case()], [], is_constant=True)
    assert first == "arrivals came at constant intervals, as the scenario asks"
