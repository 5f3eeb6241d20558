"""The numbers that keys of a scenario have."""

import pytest

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension
from orchestrator.scenario.axis_numbers import (
    InvalidNumberError,
    dimension_of,
    plain_number,
    takes_arithmetic,
    written_number,
)
from orchestrator.scenario.clients import ClosedGroup, OpenGroup
from orchestrator.scenario.interpreter import Runtime
from orchestrator.scenario.matrix import Axis
from orchestrator.scenario.server import Limits, Section, ServerSettings


@pytest.mark.parametrize(
    ("section", "key", "dimension"),
    [
        (ServerSettings, "workers", COUNT),
        (ServerSettings, "drain_timeout", TIME),
        (ServerSettings, "idle_timeout", TIME),
        (ServerSettings, "work", None),
        (ServerSettings, "blocking_sleep", None),
        (Limits, "memory", SIZE),
        (Limits, "cpus", COUNT),
        (ClosedGroup, "users", COUNT),
        (ClosedGroup, "think_time", TIME),
        (ClosedGroup, "behaviour", None),
        (ClosedGroup, "demand", None),
        (OpenGroup, "rate", RATE),
        (OpenGroup, "connections", COUNT),
        (OpenGroup, "arrivals", None),
        (Runtime, "interpreter", None),  # although the image 1/s would be a rate
    ],
)
def test_a_key_has_numbers_of_one_dimension_or_none(
    section: type[Section], key: str, dimension: Dimension | None
) -> None:
    assert dimension_of(Axis(section, key)) == dimension
    assert takes_arithmetic(Axis(section, key)) == (dimension is not None)


@pytest.mark.parametrize(
    ("section", "key", "value", "number"),
    [
        (ServerSettings, "workers", 4, (4.0, COUNT)),
        (ServerSettings, "idle_timeout", "off", None),
        (ClosedGroup, "think_time", "exponential(20ms)", (0.02, TIME)),
        (OpenGroup, "rate", "30/m", (0.5, RATE)),
        (OpenGroup, "connections", "each", None),
        (Limits, "memory", "64MiB", (2.0**26, SIZE)),
    ],
)
def test_a_value_is_a_number_in_base_units(
    section: type[Section], key: str, value: object, number: tuple[float, Dimension] | None
) -> None:
    found = plain_number(value, Axis(section, key))
    assert (found and found[1]) == (number and number[1])
    assert (found and found[0]) == (number and pytest.approx(number[0]))


def test_a_value_that_is_not_allowed_has_no_number() -> None:
    with pytest.raises(InvalidNumberError):
        plain_number(0, Axis(ServerSettings, "workers"))


@pytest.mark.parametrize(
    ("value", "dimension", "written"),
    [
        (3 * 0.1 * 10, COUNT, 3),  # but for rounding, 3
        (1.5, COUNT, 1.5),
        (1 / 3, RATE, "0.333333/s"),
        (28.0, RATE, "28/s"),
        (0.0125, TIME, "12.5ms"),
        (90.0, TIME, "90s"),
        (2.0**27, SIZE, "128MiB"),
        (5e6, SIZE, "5MB"),
        (1001.0, SIZE, "1001B"),
    ],
)
def test_a_number_is_written_as_in_a_scenario(
    value: float, dimension: Dimension, written: str | float
) -> None:
    assert written_number(value, dimension) == written
