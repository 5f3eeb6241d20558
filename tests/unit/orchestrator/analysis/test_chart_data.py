import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.chart_data import (
    MAX_POINTS,
    MAX_STEPS,
    QUOTED,
    distribution,
    exhibit,
    steps,
)
from orchestrator.analysis.join import CONNECTION, Merged
from orchestrator.analysis.statistics import quantile
from tests.unit.orchestrator.report.report_fixtures import joined

DURATIONS = st.lists(st.integers(0, 10**12), min_size=1, max_size=2000)


@given(DURATIONS)
def test_a_curve_quotes_exact_quantiles_however_it_is_thinned(durations_ns: list[int]) -> None:
    curve = distribution(np.array(durations_ns, dtype=np.int64))
    known = dict(zip(curve.shares, curve.values_ns, strict=True))
    ordered = sorted(durations_ns)
    for share in QUOTED:
        nearest = min(s for s in known if s >= share - 1e-12)
        assert known[nearest] == quantile(ordered, share)
    assert curve.values_ns[-1] == ordered[-1]


def test_a_curve_of_a_million_is_a_few_hundred_points() -> None:
    curve = distribution(np.arange(1_000_000, dtype=np.int64))
    assert curve.count == 1_000_000
    assert len(curve.values_ns) <= 2 * MAX_POINTS + len(QUOTED)


def test_no_durations_have_no_curve() -> None:
    assert distribution(np.array([], dtype=np.int64)).count == 0


def array(*values: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(values, dtype=np.int64)


def test_steps_go_up_where_a_span_begins_and_down_where_it_ends() -> None:
    found = steps(array(10, 20), array(30, 40), start_ns=10)
    assert found.instants_ns == (0, 10, 20, 30)
    assert found.levels == (1, 2, 1, 0)
    assert found.peak == 2


def test_a_span_that_ends_where_another_begins_is_no_step() -> None:
    assert steps(array(0, 10), array(10, 20), 0).levels == (1, 0)


def test_too_many_steps_become_averages_and_the_peak_stays() -> None:
    begun = np.arange(0, 100_000, 10, dtype=np.int64)
    found = steps(begun, begun + 5, 0)
    assert len(found.levels) == MAX_STEPS + 1
    assert found.peak == 1
    assert abs(np.mean(found.levels[:-1]) - 0.5) < 0.01


def test_nothing_has_no_steps() -> None:
    assert steps(array(), array(), 0).levels == ()


def test_what_is_predicted_is_a_curve_and_what_is_not_is_none() -> None:
    merged = joined(2, 3)
    assert exhibit(merged, 0, ["clients"]).predicted is None
    predicted = exhibit(merged, 0, ["clients"], predicted_ns=array(3, 1, 2)).predicted
    assert predicted is not None
    assert predicted.values_ns == (1, 2, 3)


def test_an_exhibit_has_all_that_pictures_show() -> None:
    shown = exhibit(joined(60, 5), 0, ["clients"])
    assert shown.response.count == shown.service.count == 300
    assert [name for name, _ in shown.depths] == ["accept queue", "application queue", "in service"]
    assert dict(shown.depths)["in service"].peak >= 50
    assert sum(share.messages for share in shown.shares) == 300


def test_the_client_of_a_killed_worker_is_shown_though_none_of_its_messages_failed() -> None:
    """Its connection was cut off between two messages; one of 1,000 users has a lane."""
    merged = joined(1000, 1)
    cut_off = np.zeros(1, CONNECTION)
    cut_off["user"], cut_off["outcome"] = 501, 4
    found = exhibit(Merged(merged.requests, cut_off), 0, ["clients"], limit=100).excerpt
    assert "user 501" in {request.user for request in found.requests}
    assert (found.failing, found.failing_shown) == (1, 1)
