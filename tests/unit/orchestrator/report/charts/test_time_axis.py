import pytest

from orchestrator.report.charts.time_axis import MAX_STEPS, axis_over, fault_spans
from orchestrator.results.summary import FaultSummary
from tests.unit.orchestrator.report.report_fixtures import case, run_over_time

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


def test_a_fault_lasts_until_it_is_undone_and_one_without_effect_is_none() -> None:
    pause = FaultSummary(
        fault="pause", worker=None, asked_s=1.0, effect_s=1.1, reverted_s=2.0, error=""
    )
    killed = pause.model_copy(
        update={"fault": "kill-worker", "worker": 3, "reverted_s": None, "over_s": 5.0}
    )
    missed = pause.model_copy(update={"effect_s": None})
    first = run_over_time(None, faults=[pause, missed, killed])
    spans = [(1.1, 2.0, "pause"), (1.1, 1.1, "kill-worker 3")]
    assert list(fault_spans(case(runs=[first, run_over_time(None)]))) == spans
    assert list(fault_spans(case())) == []
