import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.workload.distributions import Draws, LawError, parse_law
from tests.unit.labkit.workload.kolmogorov_fixtures import exponential, is_rejected

SAMPLE = 40_000
MILLISECONDS = st.integers(1, 100_000)
LAWS = [
    # text, mean in seconds, squared coefficient of variation
    ("20ms", 0.020, 0.0),
    ("exponential(50ms)", 0.050, 1.0),
    ("hyperexponential(50ms, scv=1)", 0.050, 1.0),
    ("hyperexponential(50ms, scv=4)", 0.050, 4.0),
    ("hyperexponential(1s, scv=16)", 1.0, 16.0),
    ("bimodal(5ms, 100ms, share=0.9)", 0.0145, 0.9 * 0.1 * 0.095**2 / 0.0145**2),
    ("bimodal(5ms, 100ms, share=0)", 0.1, 0.0),
    ("bimodal(5ms, 100ms, share=1)", 0.005, 0.0),
]


def durations_s(text: str, seed: int) -> list[float]:
    law, draws = parse_law(text), Draws(seed, "group", "demand")
    return [law.duration_s(draws.pair(0, message)) for message in range(SAMPLE)]


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("text", "mean_s", "scv"), LAWS)
def test_a_sample_has_the_mean_and_the_scv_of_its_law(
    text: str, mean_s: float, scv: float, seed: int
) -> None:
    """Within 4 standard errors for the mean, and 5 for the SCV, whose error is itself a guess."""
    law, drawn_s = parse_law(text), durations_s(text, seed)
    assert law.mean_s() == pytest.approx(mean_s)
    error_s = mean_s * math.sqrt(scv / SAMPLE)
    assert statistics.fmean(drawn_s) == pytest.approx(mean_s, abs=4 * error_s + 1e-12)
    squares = [(duration_s / mean_s - 1) ** 2 for duration_s in drawn_s]
    error = statistics.stdev(squares) / math.sqrt(SAMPLE)
    assert statistics.fmean(squares) == pytest.approx(scv, abs=5 * error + 1e-12)


def test_the_exponential_law_passes_the_test_of_kolmogorov_and_smirnov() -> None:
    drawn_s = durations_s("exponential(50ms)", seed=7)
    assert not is_rejected([duration_s / 0.050 for duration_s in drawn_s], exponential)
    assert is_rejected([duration_s / 0.052 for duration_s in drawn_s], exponential)


def test_a_hyperexponential_has_balanced_means() -> None:
    """Each of the two contributes half of the mean: what makes the form with two numbers one."""
    law = parse_law("hyperexponential(50ms, scv=4)")
    assert law.share * law.first_s == pytest.approx(0.025)
    assert (1 - law.share) * law.second_s == pytest.approx(0.025)


@given(mean_ms=MILLISECONDS, scv=st.integers(1, 1_000))
def test_a_hyperexponential_has_the_moments_it_is_written_with(mean_ms: int, scv: int) -> None:
    law = parse_law(f"hyperexponential({mean_ms}ms, scv={scv})")
    second_moment = 2 * (law.share * law.first_s**2 + (1 - law.share) * law.second_s**2)
    assert law.mean_s() == pytest.approx(mean_ms / 1_000)
    assert second_moment / law.mean_s() ** 2 - 1 == pytest.approx(scv)


@given(short_ms=MILLISECONDS, long_ms=MILLISECONDS, share=st.integers(0, 1_000))
def test_a_bimodal_is_one_of_two(short_ms: int, long_ms: int, share: int) -> None:
    text = f"bimodal({short_ms}ms, {long_ms}ms, share={share / 1_000})"
    law = parse_law(text)
    assert (law.first_s, law.second_s) == pytest.approx((short_ms / 1_000, long_ms / 1_000))
    assert law.share == share / 1_000
    assert law.duration_s((0.5, 1e-9)) == (law.first_s if share else law.second_s)
    assert law.duration_s((0.5, 1 - 1e-9)) == (law.second_s if share < 1_000 else law.first_s)


@given(ms=st.integers(0, 10**9))
def test_a_duration_is_a_law_that_leaves_nothing_to_chance(ms: int) -> None:
    law = parse_law(f"{ms}ms")
    assert law.constant_s == law.mean_s() == law.duration_s((0.3, 0.7)) == pytest.approx(ms / 1e3)


@pytest.mark.parametrize(
    ("text", "constant_s"),
    [
        ("bimodal(5ms, 5ms, share=0.5)", 0.005),
        ("bimodal(5ms, 6ms, share=0.5)", None),
        ("exponential(5ms)", None),
        ("hyperexponential(5ms, scv=1)", None),
    ],
)
def test_only_a_law_of_one_duration_is_constant(text: str, constant_s: float | None) -> None:
    assert parse_law(text).constant_s == constant_s


@pytest.mark.parametrize(
    ("text", "limit_s", "mean_s"),
    [
        ("100ms", 1.0, 0.1),
        ("2s", 1.0, 1.0),
        ("bimodal(5ms, 2s, share=0.5)", 1.0, (0.005 + 1.0) / 2),
        ("exponential(1s)", 1.0, 1 - math.exp(-1)),
        ("exponential(1s)", 0.0, 0.0),
        ("exponential(0s)", 1.0, 0.0),
        # shares (1 ± sqrt(3/5))/2, means 1/(2 share): by hand from Whitt's formulas
        ("hyperexponential(1s, scv=4)", 1.0,
         0.5 * (1 - math.exp(-2 * 0.8872983346207417))
         + 0.5 * (1 - math.exp(-2 * 0.1127016653792583))),
    ],
)  # fmt: skip
def test_the_mean_of_durations_that_are_cut_is_exact(
    text: str, limit_s: float, mean_s: float
) -> None:
    assert parse_law(text).mean_s(limit_s) == pytest.approx(mean_s, rel=1e-12)


@pytest.mark.parametrize("text", [text for text, *_ in LAWS])
@pytest.mark.parametrize("limit_s", [0.001, 0.05, 0.2])
def test_a_sample_that_is_cut_has_the_mean_that_was_computed(text: str, limit_s: float) -> None:
    cut_s = [min(duration_s, limit_s) for duration_s in durations_s(text, seed=5)]
    error_s = statistics.stdev(cut_s) / math.sqrt(SAMPLE)
    mean_s = parse_law(text).mean_s(limit_s)
    assert statistics.fmean(cut_s) == pytest.approx(mean_s, abs=4 * error_s + 1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is neither a duration nor a distribution"),
        ("50", "'50' has no unit; write 50ms or 50s"),
        ("normal(50ms)", "'normal(50ms)' is neither"),
        ("Exponential(50ms)", "is neither"),
        ("exponential()", "'' is neither"),
        ("exponential(50)", "'50' has no unit; write 50ms or 50s"),
        ("exponential(50ms, scv=4)", "is neither"),
        ("exponential(exponential(50ms))", "is neither"),
        ("exponential(50ms) ", "is neither"),
        ("exponential(\u200350ms)", "is neither"),  # a space, to Python, that is not ASCII
        ("hyperexponential(50ms)", "is neither"),
        ("hyperexponential(50ms, 4)", "'4' is not scv=<number>"),
        ("hyperexponential(50ms, scv=four)", "'scv=four' is not scv=<number>"),
        ("hyperexponential(50ms, scv=0.5)", "scv=0.5 is out of range; allowed: 1 to 1000"),
        ("hyperexponential(50ms, scv=1001)", "scv=1001 is out of range; allowed: 1 to 1000"),
        ("hyperexponential(50ms, scv=-4)", "'scv=-4' is not scv=<number>"),
        ("hyperexponential(50ms, scv=nan)", "'scv=nan' is not scv=<number>"),
        ("bimodal(5ms, 100ms, 0.9)", "'0.9' is not share=<number>"),
        ("bimodal(5ms, 100ms, share=1.1)", "share=1.1 is out of range; allowed: 0 to 1"),
        ("bimodal(5ms, 100ms, scv=4)", "'scv=4' is not share=<number>"),
    ],
)
def test_an_error_names_what_is_wrong_and_what_would_be_right(text: str, message: str) -> None:
    with pytest.raises(LawError) as raised:
        parse_law(text)
    assert message in str(raised.value)
    if "out of range" not in message:
        assert "exponential(50ms)" in str(raised.value)


@given(st.text(st.sampled_from("exponential hypbimodal(),.=05msuv scv share")) | st.text())
def test_any_text_is_a_law_or_refused_in_few_words(text: str) -> None:
    try:
        law = parse_law(text)
    except LawError as exc:
        refusal = exc
    else:
        assert law.duration_s((0.5, 0.5)) >= 0
        assert law.mean_s() >= 0
        return
    assert 0 < len(str(refusal)) < 1_000


@pytest.mark.parametrize("limit_s", [math.inf, 0.08])
@pytest.mark.parametrize(
    "text",
    [
        "50ms",
        "exponential(50ms)",
        "hyperexponential(50ms, scv=4)",
        "bimodal(5ms, 100ms, share=0.9)",
    ],
)
def test_the_mean_square_is_that_of_many_draws(text: str, limit_s: float) -> None:
    """By the midpoints of 400 x 400 equal cells of both draws; the tail is what they miss."""
    law, cells = parse_law(text), 400
    draws = [(n + 0.5) / cells for n in range(cells)]
    found = [min(law.duration_s((a, b)), limit_s) ** 2 for a in draws for b in draws]
    assert law.mean_square_s2(limit_s) == pytest.approx(sum(found) / len(found), rel=0.03)
