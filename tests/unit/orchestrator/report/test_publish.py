"""What a campaign measured, as its own format's reader reads it."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from orchestrator.measures.registry import MEASURES
from orchestrator.report.publish import openmetrics
from orchestrator.results.summary import CaseSummary, Fitness, Instrument, Status, Summary

HOSTILE = 'a"b\\c\nd'
CASE = CaseSummary(
    name="single,users=5", model="single", slug="single", axes={"users": 5, "slow.users": 2},
    measures={"throughput_per_s": 12.5, "cpu_time_s": None, "acked": 7.0},
    groups={"during": {"acked": 3.0}},
    instrument=Instrument(fitness=Fitness.OK, reasons=[]),
    expectations=[], invalid=[], overhead_s=0.1,
)  # fmt: skip
SUMMARY = Summary(
    scenario=HOSTILE, intent="x", backend="process", backend_reason="", started_at="",
    duration_s=1.0, status=Status.COMPLETE, planned_cases=1, cases=[CASE], exit_code=0,
)  # fmt: skip


def test_every_value_is_a_sample_and_what_is_unknown_is_none() -> None:
    read = text_string_to_metric_families(openmetrics(SUMMARY))  # type: ignore[no-untyped-call]
    families = {family.name: family for family in read}
    assert set(families) == {"lab_throughput_per_s", "lab_acked"}
    (throughput,) = families["lab_throughput_per_s"].samples
    assert throughput.value == 12.5
    assert throughput.labels == {
        "scenario": HOSTILE, "model": "single", "case": "single,users=5", "group": "",
        "view": "", "axis_users": "5", "axis_slow_users": "2",
    }  # fmt: skip
    assert families["lab_acked"].documentation == MEASURES["acked"].meaning
    labels = [(s.labels["group"], s.labels["view"]) for s in families["lab_acked"].samples]
    assert labels == [("", ""), ("", "during")]
    assert [sample.value for sample in families["lab_acked"].samples] == [7.0, 3.0]


def test_it_ends_as_the_format_wants() -> None:
    nothing = openmetrics(SUMMARY.model_copy(update={"cases": []}))
    assert nothing == "# EOF\n"
