import pytest

from orchestrator.capacity.figures import (
    bounds_text,
    has_figure,
    load_text,
    missing_figure,
    range_text,
    why_no_figure,
)
from orchestrator.results.capacity import Limit, LoadKind
from tests.unit.orchestrator.capacity.capacity_fixtures import at_least, case, without_figure


@pytest.mark.parametrize(
    ("load", "kind", "text"),
    [
        (212.34, LoadKind.RATE, "212/s"),
        (2.125, LoadKind.RATE, "2.12/s"),
        (1012.0, LoadKind.RATE, "1012/s"),
        (1.0, LoadKind.USERS, "1 user"),
        (17.0, LoadKind.USERS, "17 users"),
    ],
)
def test_a_load_has_its_unit(load: float, kind: LoadKind, text: str) -> None:
    assert load_text(load, kind) == text


@pytest.mark.parametrize(
    ("bounds", "text"),
    [
        ((212.0, 223.0), "212/s to 223/s"),
        ((212.0, None), "at least 212/s"),
        ((None, 223.0), "less than 223/s"),
        ((None, None), ""),
    ],
)
def test_bounds_in_words(bounds: tuple[float | None, float | None], text: str) -> None:
    assert bounds_text(case(bounds=bounds), LoadKind.RATE) == text
    assert has_figure(case(bounds=bounds)) is bool(text)


@pytest.mark.parametrize("limit", [Limit.CLIENTS, Limit.HOST])
def test_what_clients_or_host_limit_has_no_figure_but_a_reason(limit: Limit) -> None:
    limited = without_figure(limit=limit)
    assert not has_figure(limited)
    assert missing_figure(limited) == f"no figure, since {why_no_figure(limited)}"
    assert bounds_text(limited, LoadKind.RATE) == ""
    assert why_no_figure(limited).endswith("(a client was 12 ms late)")


@pytest.mark.parametrize("limit", [Limit.CLIENTS, Limit.HOST])
def test_what_held_below_their_limit_is_a_figure_without_an_upper_one(limit: Limit) -> None:
    limited = at_least(limit=limit)
    assert has_figure(limited)
    assert bounds_text(limited, LoadKind.RATE) == "at least 180/s"
    why = why_no_figure(limited)
    assert missing_figure(limited) == f"no figure beyond its lower bound, since {why}"


def test_nothing_is_missing_of_what_the_server_limits() -> None:
    assert missing_figure(case()) == ""


def test_without_a_limit_the_reason_is_how_the_search_ended() -> None:
    unknown = case(bounds=(None, None), limited_by=Limit.UNKNOWN, evidence="", ended="interrupted")
    assert why_no_figure(unknown) == "interrupted"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.23, 0.9, "23% to 90%"),
        (0.2, None, "at least 20%"),
        (None, -0.1, "at most -10%"),
        (0.001, 0.5, "up to 50%"),
        (-0.5, -0.48, "-50% to -48%"),
        (0.101, 0.102, "10%"),
        (None, None, ""),
    ],
)
def test_a_range_of_shares(low: float | None, high: float | None, text: str) -> None:
    assert range_text(low, high) == text
