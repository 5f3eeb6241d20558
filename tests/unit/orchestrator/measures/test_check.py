import pytest

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension
from orchestrator.measures.expression import parse_expression
from orchestrator.measures.syntax import ExpressionError


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("users == 7", COUNT),
        ("makespan < 2s", TIME),
        ("0 < makespan", TIME),
        ("throughput > acked / makespan", RATE),
        ("peak_memory < 1GB", SIZE),
        ("makespan * makespan > 0", Dimension(time=2)),
    ],
)
def test_an_expression_knows_its_dimension(text: str, dimension: Dimension) -> None:
    assert parse_expression(text).dimension == dimension


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("failed ~= 0 within 10%", 20,
         "a percentage of 0 is 0; write == 0, or a tolerance with a unit"),
        ("makespan == 2", 13,
         "makespan is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ("2 == makespan", 6,
         "2 is a bare number and makespan is a time; write a unit, e.g. 2s or 2ms"),
        ("peak_memory < 5", 15,
         "peak_memory is a size and 5 is a bare number; write a unit, e.g. 5MB or 5MiB"),
        ("throughput > 5", 14,
         "throughput is a rate and 5 is a bare number; write a unit, e.g. 5 / 1s or 5 / 1m"),
        ("makespan - 2 == 1s", 12,
         "makespan is a time and 2 is a bare number; write a unit, e.g. 2s or 2ms"),
        ("makespan == (users + 1) * messages", 13,
         "makespan is a time and (users + 1) * messages is a bare number; both need the same unit"),
        ("makespan ~= 2s within 5", 23,
         "2s is a time and 5 is a bare number; write a unit, e.g. 5s or 5ms"),
        ("ceil(makespan) == 1", 6,
         "ceil needs a bare number and makespan is a time; divide it by a unit first"),
        ("max(users) == 1", 1, "max takes two or more values and got 1"),
        ("abs(users, 2) == 1", 1, "abs takes one value and got 2"),
        ("sqrt(users) == 1", 1, "unknown function 'sqrt'; allowed: ceil, floor, min, max, abs"),
        ("cel(users) == 1", 1,
         "unknown function 'cel'; did you mean 'ceil'? allowed: ceil, floor, min, max, abs"),
    ],
)  # fmt: skip
def test_units_and_functions_are_checked(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_expression(text)
    assert (refusal.value.column, refusal.value.message) == (column, message)


def test_an_unknown_name_gets_a_hint_and_the_whole_list() -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_expression("failed == peak_in_servise")
    assert refusal.value.column == 11
    assert refusal.value.message.startswith(
        "unknown name 'peak_in_servise'; did you mean 'peak_in_service'? allowed: users, replicas, "
    )
    assert "p99" in refusal.value.message
