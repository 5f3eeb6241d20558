import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.report.charts.plot import (
    FRAMED,
    LEFT,
    RIGHT,
    WIDTH,
    Chart,
    Frame,
    Plot,
    Scale,
    Shape,
    TextTable,
    Tick,
    Word,
    linear_scale,
    log_scale,
    round_step,
    tick_label,
    time_label,
    value_scale,
)

LONG = "a label that is longer than half of the plot"
POSITIVE = st.floats(1e-6, 1e6)


def test_a_linear_scale_begins_at_zero_and_ends_on_a_round_value() -> None:
    scale = linear_scale(3.5, 0, 100, lambda value: f"{value:g}")
    assert [tick.label for tick in scale.ticks] == ["0", "1", "2", "3", "4"]
    assert [tick.at for tick in scale.ticks] == [0, 25, 50, 75, 100]


def test_a_log_scale_has_equal_room_for_each_power_of_ten() -> None:
    scale = log_scale(0.002, 0.7, 0, 90, lambda value: f"{value:g}")
    assert [tick.label for tick in scale.ticks] == ["0.001", "0.01", "0.1", "1"]
    assert [tick.at for tick in scale.ticks] == [0, 30, 60, 90]


def test_values_far_apart_get_a_log_scale() -> None:
    assert not value_scale([1.0, 10.0], 0, 1, str).is_log
    assert value_scale([0.001, 10.0], 0, 1, str).is_log


def test_no_values_have_a_scale_too() -> None:
    assert value_scale([], 0, 1, str).ticks


@given(POSITIVE, POSITIVE, st.booleans())
def test_a_scale_keeps_the_order_and_stays_within_its_ends(
    one: float, other: float, is_log: bool
) -> None:
    scale = Scale(0.001, 1000.0, 10, 20, is_log)
    low, high = sorted((one, other))
    assert 10 <= scale.at(low) <= scale.at(high) <= 20


@pytest.mark.parametrize("high", [1e-6, 0.3, 7, 123456.0])
def test_labels_are_few(high: float) -> None:
    assert 2 <= len(linear_scale(high, 0, 1, str).ticks) <= 6


@pytest.mark.parametrize(
    ("least", "step"),
    [(1, 1), (1.1, 2), (2, 2), (3, 5), (5.1, 10), (0.04, 0.05), (125_000, 200_000)],
)
def test_a_step_is_1_2_or_5_times_a_power_of_ten(least: float, step: float) -> None:
    assert round_step(least) == pytest.approx(step)


@pytest.mark.parametrize(
    ("value_s", "label"),
    [
        (0.0, "0"),
        (20e-6, "20 us"),
        (3 * 0.0002, "600 us"),
        (0.5, "500 ms"),
        (1.5, "1.5 s"),
        (10_000.0, "10000 s"),
    ],
)
def test_the_label_of_a_round_time_is_short(value_s: float, label: str) -> None:
    assert time_label(value_s) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("5.000 s", "5 s"),
        ("12.5 /s", "12.5 /s"),
        ("3", "3"),
        ("50%", "50%"),
        ("unknown", "unknown"),
    ],
)
def test_the_label_of_a_tick_has_no_zeros_behind_its_number(text: str, label: str) -> None:
    assert tick_label(text) == label


def plot_of(*shapes: Shape) -> Plot:
    return Plot("p", "", 100, shapes, [])


def test_places_within_the_frame_are_shares_of_its_width_and_others_are_pixels() -> None:
    """A plot fills its card: the frame is stretched, the room for labels beside it is not."""
    plot = plot_of()
    assert plot.layout is FRAMED
    assert [plot.percent(x) for x in (LEFT, (LEFT + RIGHT) / 2, RIGHT)] == [
        "0.00%", "50.00%", "100.00%",
    ]  # fmt: skip
    label = Word("tick", LEFT - 6, 10, "5 s", "end")
    assert (plot.across(label), plot.shift(label)) == ("-6", 0)
    last = Word("tick", WIDTH, 10, "8", "end")
    assert (plot.across(last), plot.shift(last)) == ("100.00%", WIDTH - RIGHT)
    value = Word("value", LEFT, 10, "5 s", shift=6)
    assert (plot.across(value), plot.shift(value)) == ("0.00%", 6)


def test_a_chart_of_axes_alone_is_blank() -> None:
    def chart(*shapes: Shape) -> Chart:
        return Chart("k", "t", "r", [plot_of(), plot_of(*shapes)], [], TextTable((), ()))

    axes = Shape("grid", "M0 0H9"), Shape("axis", "M0 0H9")
    assert chart(*axes, Shape("curve response", "")).is_blank
    assert not chart(*axes, Shape("curve response", "M0 0H9")).is_blank


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        (["0", "1", "2", "3", "4"], ["0", "1", "2", "3", "4"]),
        (["0", "200 ms", "400 ms", "600 ms", "800 ms"], ["0", "400 ms", "800 ms"]),
        ([LONG, LONG], [LONG]),
    ],
)
def test_labels_without_room_are_left_out_evenly(labels: list[str], shown: list[str]) -> None:
    distance = (RIGHT - LEFT) / (len(labels) - 1)
    ticks = tuple(Tick(LEFT + n * distance, label) for n, label in enumerate(labels))
    frame = Frame(Scale(0, 1, LEFT, RIGHT, ticks=ticks), Scale(0, 1, 0, 1), "time")
    words = [word.text for word in frame.words()][:-1]
    assert words == shown
