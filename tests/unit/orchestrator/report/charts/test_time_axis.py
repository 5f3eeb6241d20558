import pytest

from orchestrator.report.charts.time_axis import MAX_STEPS, axis_over

MS = 1_000_000


@pytest.mark.parametrize(
    ("last_ns", "labels"),
    [
        (3500 * MS, ["0 s", "0.5 s", "1 s", "1.5 s", "2 s", "2.5 s", "3 s", "3.5 s"]),
        (500 * MS, ["0 ms", "100 ms", "200 ms", "300 ms", "400 ms", "500 ms"]),
        (42_000 * MS, ["0 s", "10 s", "20 s", "30 s", "40 s"]),
        (3_000, ["0 us", "0.5 us", "1 us", "1.5 us", "2 us", "2.5 us", "3 us"]),
    ],
)
def test_ticks_are_round(last_ns: int, labels: list[str]) -> None:
    assert [tick.label for tick in axis_over([last_ns]).ticks] == labels


@pytest.mark.parametrize("last_ns", [0, 1, 7, 999, 10**6, 123_456_789, 10**13])
def test_ticks_are_few_and_on_the_axis(last_ns: int) -> None:
    ticks = axis_over([last_ns]).ticks
    assert 2 <= len(ticks) <= MAX_STEPS + 1
    assert ticks[0].at == 0
    assert ticks[-1].at <= 100


def test_no_request_at_all_still_has_an_axis() -> None:
    assert axis_over([]).span_ns > 0
