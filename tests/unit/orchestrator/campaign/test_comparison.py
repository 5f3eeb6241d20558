import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.campaign.comparison import (
    COMPARED,
    Change,
    Difference,
    differences,
    unmatched,
    withheld,
)
from orchestrator.measures.registry import MEASURES
from orchestrator.results.summary import (
    CaseSummary,
    Fitness,
    Instrument,
    ReasonKind,
    RunSummary,
    Summary,
)
from tests.unit.orchestrator.report.report_fixtures import case, summary

P99 = "response_time_p99"
UNKNOWN_P99 = f"{P99} is not known in every repeat of the second; it needs more messages"
OK = Instrument(fitness=Fitness.OK, reasons=[])


def repeated(
    values: list[float | None], key: str = "response_time_p99_s", *, varies: bool = False
) -> CaseSummary:
    """Return a case whose repeats measured ``values``, each with draws of its own if it varies."""
    runs = [
        RunSummary(
            slug=f"prefork/{number}",
            seed=number if varies else 1,
            measures={key: value},
            groups={"slow": {key: value}},
            instrument=OK,
            invalid=[],
            overhead_s=0.1,
        )
        for number, value in enumerate(values, start=1)
    ]
    return case(runs=runs)


def only(before: CaseSummary, after: CaseSummary, name: str = P99) -> Difference:
    (found,) = differences(summary(before), summary(after), [name], 0.05)
    return found


CASE = case()
TEMPLATE = summary(CASE)
STEADY: list[float | None] = [0.100, 0.101, 0.099, 0.102, 0.100]


@pytest.mark.parametrize(
    ("factor", "change"),
    [
        (1.10, Change.REGRESSION),
        (1.06, Change.UNKNOWN),  # surely worse, but surely by 5%?
        (1.02, Change.NONE),
        (1.00, Change.NONE),
        (0.97, Change.NONE),
        (0.90, Change.IMPROVEMENT),
    ],
)
def test_less_time_is_better(factor: float, change: Change) -> None:
    after = [value * factor for value in reversed(STEADY) if value is not None]
    assert only(repeated(STEADY), repeated([*after])).change is change


def test_more_throughput_is_better() -> None:
    slow, fast = (repeated([v, v, v + 1, v, v], "throughput_per_s") for v in (100, 120))
    assert only(slow, fast, "throughput").change is Change.IMPROVEMENT
    assert only(fast, slow, "throughput").change is Change.REGRESSION


def test_repeats_are_paired_if_they_share_their_draws() -> None:
    """What both share, however large, hides nothing."""
    drifting: list[float | None] = [0.1, 0.2, 0.4, 0.8, 1.6]
    worse = [value * 1.1 for value in drifting if value is not None]
    paired = only(repeated(drifting, varies=True), repeated([*worse], varies=True))
    assert (paired.low, paired.high) == pytest.approx((0.1, 0.1))
    assert paired.change is Change.REGRESSION
    assert only(repeated(drifting), repeated([*worse])).change is Change.UNKNOWN


def test_a_repeat_that_counts_in_one_run_only_is_no_pair() -> None:
    drifting: list[float | None] = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]
    worse = [value * 1.1 for value in drifting if value is not None]
    before, after = repeated(drifting, varies=True), repeated([*worse], varies=True)
    lost = before.model_copy(update={"runs": [*before.runs[:2], *before.runs[3:]]})
    found = only(lost, after)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    assert found.change is Change.REGRESSION
    lost_both = after.model_copy(update={"runs": after.runs[1:]})
    assert only(lost, lost_both).change is Change.UNKNOWN  # four pairs are too few


def test_a_group_of_clients_has_measures_of_its_own() -> None:
    assert only(repeated(STEADY), repeated(STEADY), "slow.p99").change is Change.NONE
    assert only(repeated(STEADY), repeated(STEADY), "fast.p99").reason.startswith("fast.")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (repeated(STEADY[:4]), repeated(STEADY), "the first has too few repeats: 4 of 5"),
        (repeated(STEADY), case(runs=[]), "the second has too few repeats: 0 of 5"),
        (repeated(STEADY), repeated([*STEADY[:4], None]), UNKNOWN_P99),
        (
            repeated(STEADY),
            repeated(STEADY).model_copy(
                update={"invalid": ["host busy"], "invalid_kinds": [ReasonKind.DISTURBED_HOST]}
            ),
            "the second is invalid as a measurement: host busy",
        ),
    ],
)
def test_what_cannot_be_told_has_a_reason(
    before: CaseSummary, after: CaseSummary, reason: str
) -> None:
    found = only(before, after)
    assert (found.change, found.reason) == (Change.UNKNOWN, reason)
    assert (found.low, found.high) == (None, None)


def test_a_lower_bound_is_not_compared() -> None:
    slow = repeated(STEADY)
    runs = [slow.runs[0].model_copy(update={"lower_bounds": ["response_time_p99_s"]})]
    bounded = slow.model_copy(update={"runs": [*runs, *slow.runs[1:]]})
    found = only(slow, bounded)
    assert found.change is Change.UNKNOWN
    reason = f"{P99} of the second is a lower bound only, since messages have no answer"
    assert found.reason == reason


def with_error(measured: CaseSummary, error_s: float) -> CaseSummary:
    """Return ``measured`` with clocks whose error in p99 is ``error_s``."""
    errors = {"response_time_p99_s": error_s}
    runs = [run.model_copy(update={"errors": errors}) for run in measured.runs]
    return measured.model_copy(update={"runs": runs})


def test_a_change_within_the_error_between_the_clocks_is_undecided() -> None:
    before = repeated(STEADY)
    after = repeated([2 * each for each in STEADY if each is not None])
    change_s = 0.1
    found = only(with_error(before, 0.6 * change_s), with_error(after, 0.6 * change_s))
    assert found.change is Change.UNKNOWN
    assert found.reason == f"{P99}: undecided within the error between the clocks"
    smaller = only(with_error(before, 0.4 * change_s), with_error(after, 0.4 * change_s))
    assert smaller.change is only(before, after).change is Change.REGRESSION


def test_a_group_that_a_run_does_not_have_is_named() -> None:
    before, after = (summary(repeated(STEADY)) for _ in range(2))
    (found,) = differences(before, after, ["sloow.p99"], 0.05)
    assert found.change is Change.UNKNOWN
    assert found.reason == (
        "sloow.response_time_p99: the first has no figures of 'sloow'; "
        "a single group's measures are those of the case, without its name"
    )


def test_what_few_repeats_show_is_shown_without_a_verdict() -> None:
    found = only(repeated([0.1]), repeated([0.12]))
    assert found.relative == pytest.approx(0.2)
    assert found.change is Change.UNKNOWN


BUSY = repeated(STEADY).model_copy(
    update={"invalid": ["host busy"], "invalid_kinds": [ReasonKind.DISTURBED_HOST]}
)


@pytest.mark.parametrize(("by_run", "by_us"), [(True, False), (False, True)])
def test_what_is_invalid_may_be_accepted_and_is_marked(by_run: bool, by_us: bool) -> None:
    after = summary(BUSY, accepts_invalid=by_run)
    (found,) = differences(summary(repeated(STEADY)), after, [P99], 0.05, accept_invalid=by_us)
    assert found.change is Change.NONE
    assert found.reason == "accepted, although the second is invalid as a measurement: host busy"


def test_one_run_does_not_accept_for_the_other() -> None:
    (found,) = differences(summary(BUSY, accepts_invalid=True), summary(BUSY), [P99], 0.05)
    assert found.reason == "the second is invalid as a measurement: host busy"


def test_from_none_to_some_is_infinitely_much() -> None:
    found = only(repeated([0.0] * 5, "failed"), repeated([3.0] * 5, "failed"), "failed")
    assert (found.relative, found.low, found.change) == (math.inf, math.inf, Change.REGRESSION)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9))
def test_a_run_compared_with_itself_is_no_different(values: list[float]) -> None:
    found = only(repeated([*values]), repeated([*values]))
    assert (found.relative, found.low, found.high) == (0, 0, 0)
    assert found.change is Change.NONE


def test_cases_are_matched_by_name() -> None:
    before: Summary = summary(case("single"), case("prefork"))
    after: Summary = summary(case("prefork"), case("epoll"))
    assert {each.case for each in differences(before, after, COMPARED, 0.05)} == {"prefork"}
    assert unmatched(before, after) == ["single", "epoll"]


def test_what_cannot_be_told_names_its_measure() -> None:
    unsteady: list[float | None] = [0.1, 0.12, 0.09, 0.11, 0.13]
    found = only(repeated(STEADY), repeated(unsteady))
    assert found.change is Change.UNKNOWN
    assert found.reason == "response_time_p99: the interval contains the threshold"


def test_one_row_among_many_needs_more_repeats() -> None:
    """Five against five are told apart by chance in 1 of 252, which is not rare among 40 rows."""
    slower = [value * 1.2 for value in STEADY if value is not None]
    before, after = summary(repeated(STEADY)), summary(repeated([*slower]))
    (found,) = differences(before, after, [P99], 0.05)
    assert found.change is Change.REGRESSION
    rows = differences(before, after, [P99] * 40, 0.05)
    assert {each.change for each in rows} == {Change.UNKNOWN}
    assert rows[0].reason == "response_time_p99: too few repeats for so many rows"


def test_an_interval_says_how_much_it_covers() -> None:
    paired = only(repeated(STEADY, varies=True), repeated(STEADY[::-1], varies=True))
    assert paired.coverage == 1 - 2 / 32
    assert only(repeated(STEADY), repeated(STEADY[::-1])).coverage == pytest.approx(1 - 8 / 252)


def test_a_row_without_a_verdict_keeps_its_figures() -> None:
    found = only(repeated(STEADY), repeated([value and value * 2 for value in STEADY]))
    (row,) = withheld([found], "other scenario")
    assert (row.change, row.reason) == (Change.UNKNOWN, "other scenario")
    assert (row.low, row.high) == (found.low, found.high)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.1, 0.8])
@pytest.mark.parametrize("varies", [False, True])
def test_equal_versions_are_called_different_in_at_most_five_of_a_hundred_tables(
    *, varies: bool, spread: float
) -> None:
    """A threshold of 0, at which any difference at all would count, and the repeats of the gate.

    With a large spread the ratios of two equal versions are skewed.
    """
    rng, tables, repeats = np.random.default_rng(4), 1_000, 7
    keys = [MEASURES[name].key for name in COMPARED]
    stored = repeated([1.0] * repeats, varies=varies).runs

    def quiet() -> Summary:
        rows = rng.lognormal(sigma=spread, size=(repeats, len(keys))).tolist()
        runs = [
            run.model_copy(update={"measures": dict(zip(keys, row, strict=True))})
            for run, row in zip(stored, rows, strict=True)
        ]
        return TEMPLATE.model_copy(update={"cases": [CASE.model_copy(update={"runs": runs})]})

    alarms = sum(
        not {Change.REGRESSION, Change.IMPROVEMENT}.isdisjoint(
            each.change for each in differences(quiet(), quiet(), COMPARED, 0.0)
        )
        for _ in range(tables)
    )
    assert alarms / tables <= 0.05
