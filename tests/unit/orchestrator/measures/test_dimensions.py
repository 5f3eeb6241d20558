import pytest

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension, format_value


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (3.5124, TIME, "3.512 s"),
        (72.0, TIME, "72.000 s"),
        (0.1024, TIME, "102.4 ms"),
        (0.00000015, TIME, "0.1 us"),
        (0.00002, TIME, "20.0 us"),
        (0.99999, TIME, "1.000 s"),  # never "1000.0 ms"
        (-0.5, TIME, "-500.0 ms"),
        (0.0, TIME, "0 s"),
        (12.46, RATE, "12.5 /s"),
        (0.25, RATE, "0.25 /s"),
        (123456.0, RATE, "123456.0 /s"),
        (7, COUNT, "7"),
        (10_000_000, COUNT, "10000000"),
        (0.8731, COUNT, "0.873"),
        (2.5, COUNT, "2.5"),
        (1.2 * 2**20, SIZE, "1.2 MiB"),
        (512, SIZE, "512 B"),
        (1024**3 * 2, SIZE, "2.0 GiB"),
        (2.0, Dimension(time=2, size=-1), "2 s^2 B^-1"),
        (None, TIME, "unknown"),
    ],
)
def test_values_read_as_people_write_them(
    value: float | None, dimension: Dimension, text: str
) -> None:
    assert format_value(value, dimension) == text


def test_dimensions_multiply_and_divide() -> None:
    assert COUNT / TIME == RATE
    assert RATE * TIME == COUNT
    assert SIZE / SIZE == COUNT
