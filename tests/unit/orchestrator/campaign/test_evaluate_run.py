"""The evaluation of one stored run."""

import dataclasses
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from orchestrator.analysis.analyse import Analysis, analyse
from orchestrator.analysis.chart_data import MAX_CASES, Exhibit, exhibit
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.excerpt import MAX_REQUESTS
from orchestrator.campaign import evaluate_run as module
from orchestrator.campaign.evaluate_run import RunEvaluation, as_reported, evaluate_run
from orchestrator.measures.bounds import error_of
from orchestrator.results.archive import CASE, CLIENTS, SERVER_LOG, Archive
from orchestrator.results.strict_json import to_json
from orchestrator.results.summary import Interpreter
from orchestrator.scenario.plan import schedule
from tests.unit.conftest import Load
from tests.unit.orchestrator.campaign.stored_run_fixtures import MAKESPAN_S, SCENARIO, store_run

SLUG = "single"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the raw files of a run."""
    folder = Archive(tmp_path).raw_folder(SLUG)
    store_run(folder)
    return folder


def evaluated(load: Load, folder: Path, more: str = "", cases: int = 2) -> RunEvaluation:
    scenario = load(SCENARIO + more)
    return evaluate_run(scenario, schedule(scenario)[0], Archive(folder.parent.parent), cases)


def test_measures_are_by_key_and_values_by_name(load: Load, folder: Path) -> None:
    found = evaluated(load, folder)
    assert found.summary.measures["makespan_s"] == pytest.approx(MAKESPAN_S)
    assert found.values["makespan"] == pytest.approx(MAKESPAN_S)
    assert found.values["predicted.makespan"] == pytest.approx(MAKESPAN_S, rel=0.05)
    assert found.summary.groups["predicted"]["makespan_s"] == found.values["predicted.makespan"]
    assert found.summary.slug == SLUG
    assert found.summary.overhead_s == 0.25
    assert found.summary.invalid == []


def test_a_run_on_several_hosts_has_errors_where_two_clocks_meet(load: Load, folder: Path) -> None:
    here = evaluated(load, folder).summary
    assert (here.errors, here.clock_error_s) == ({}, 0.0)
    store_run(folder, is_one_host=False, clock={"boot_id": "laptop", "offset_ns": 0})
    found = evaluated(load, folder)
    assert found.summary.measures["makespan_s"] == pytest.approx(MAKESPAN_S)
    assert found.summary.errors.keys().isdisjoint({"makespan_s", "response_time_max_s"})
    assert 0 < found.summary.errors["waiting_time_mean_s"] < 0.001
    assert 0 < found.summary.clock_error_s < 0.001
    assert 0 < found.summary.errors["slowest.time_in_unread_s"] < 0.001
    assert error_of(found.values["waiting_time_mean"]) > 0
    assert any(note.startswith("the server's clock was ") for note in found.summary.notes)
    assert found.summary.invalid == []


@pytest.mark.parametrize("clock", [{"boot_id": ""}, "b00t"])
def test_a_record_whose_clock_is_none_is_refused(load: Load, folder: Path, clock: object) -> None:
    store_run(folder, clock=clock)
    with pytest.raises(ValueError, match="clock"):
        evaluated(load, folder)


def test_a_percentile_that_the_scenario_names_is_measured_and_predicted(
    load: Load, folder: Path
) -> None:
    """Two messages have no percentile but the median, by any of its names."""
    found = evaluated(
        load, folder, "guess: {all: [p(50) < 1s, p(99.5) < 1s, p95 < 2 * clients.p95]}"
    )
    assert found.summary.measures["response_time_p50_s"] == pytest.approx(0.1, rel=0.05)
    for name in ("p99_5", "p95"):
        assert found.summary.measures[f"response_time_{name}_s"] is None
        assert f"predicted.response_time_{name}" in found.values
        assert f"clients.response_time_{name}" in found.values
    assert "response_time_p94_s" not in found.summary.measures


def test_the_steps_of_a_run_have_its_messages_and_its_warm_up(load: Load, folder: Path) -> None:
    found = evaluated(load, folder, "warmup: 50ms")
    steps = found.summary.over_time
    assert steps is not None
    assert steps.warmup_s == 0.05
    assert steps.end_s == pytest.approx(MAKESPAN_S, rel=0.01)
    edges_s = [*steps.begin_s, steps.end_s]
    acks = [
        rate * (end_s - begin_s)
        for rate, (begin_s, end_s) in zip(steps.throughput_per_s, pairwise(edges_s), strict=True)
    ]
    assert sum(acks) == pytest.approx(found.summary.measures["acked"])


def test_the_only_group_of_clients_is_not_repeated(load: Load, folder: Path) -> None:
    found = evaluated(load, folder)
    assert "clients.acked" in found.values
    assert "clients" not in found.summary.groups


def test_samples_are_stored_next_to_the_raw_files(load: Load, folder: Path) -> None:
    evaluated(load, folder)
    samples = folder.parent.parent / "samples" / SLUG
    assert (samples / "trace.json.gz").is_file()
    assert len(list(samples.iterdir())) > 1


def test_the_settings_that_the_server_ran_with_count(load: Load, folder: Path) -> None:
    predicted = evaluated(load, folder).values["predicted.makespan"]
    assert predicted == pytest.approx(0.2, rel=0.05)
    store_run(folder, server={"workers": 7}, twin="processes")
    predicted = evaluated(load, folder).values["predicted.makespan"]
    assert predicted == pytest.approx(0.1, rel=0.05)


def test_a_twin_has_the_draws_of_its_repeat(load: Load, folder: Path) -> None:
    """Its seed is that of the run, not that of the plan, which another version may do otherwise."""

    def predicted(seed: int) -> tuple[int | None, float | None]:
        store_run(folder, seed=seed)
        text = SCENARIO.replace("sleep=100ms", "sleep=exponential(100ms)")
        scenario = load(text)
        run = schedule(scenario)[0]
        found = evaluate_run(scenario, run, Archive(folder.parent.parent), 2)
        return found.summary.seed, found.values["predicted.makespan"]

    assert predicted(5) == predicted(5)
    assert predicted(5)[0] == 5
    assert predicted(5)[1] != predicted(6)[1]


def test_a_run_of_an_older_version_had_the_seed_of_its_scenario(load: Load, folder: Path) -> None:
    assert evaluated(load, folder, "seed: 9\n").summary.seed == 9


def test_results_without_settings_get_the_label_of_this_checkout(
    load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = json.loads((folder / CASE).read_text())
    del end["server"], end["twin"]
    (folder / CASE).write_text(json.dumps(end))
    monkeypatch.setattr(module, "discover_twins", dict)
    twin = evaluated(load, folder).summary.twin
    assert twin is not None
    assert "no known label" in twin.remark


def test_settings_that_are_invalid_are_named_with_their_file(load: Load, folder: Path) -> None:
    store_run(folder, server={"workers": "many"})
    with pytest.raises(ValueError, match=r"single/case\.json has invalid settings of the server"):
        evaluated(load, folder)


def test_all_reasons_why_a_run_is_invalid_are_in_one_list(load: Load, folder: Path) -> None:
    lines = (folder / SERVER_LOG).read_text().splitlines(keepends=True)
    (folder / SERVER_LOG).write_text("".join(lines[:-1]))
    found = evaluated(load, folder, "validity: [makespan < 1ms, host_busy < 5%]\n")
    assert found.summary.invalid == [
        "server.log does not end with the event stopped",
        "makespan < 1ms does not hold, 201.0 ms vs 1.0 ms",
    ]


def test_without_a_probe_there_is_a_note(load: Load, folder: Path) -> None:
    probe, host = evaluated(load, folder).summary.notes
    assert probe == "no kernel figures: there was no probe"
    assert host.startswith("host_busy is unknown: the kernel does not report")


def test_all_cases_share_the_limit_of_the_charts(
    load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int] = []

    def record(*arguments: Any) -> Exhibit:  # noqa: ANN401 those of `exhibit`
        limits.append(arguments[3])
        return exhibit(*arguments)

    monkeypatch.setattr(module, "exhibit", record)
    for cases in (1, 2, MAX_CASES, 9 * MAX_CASES):
        evaluated(load, folder, cases=cases)
    assert limits[:2] == [MAX_REQUESTS, MAX_REQUESTS // 2]
    assert limits[2] == limits[3] == MAX_REQUESTS // MAX_CASES


def test_a_run_that_did_not_end_cannot_be_evaluated(load: Load, folder: Path) -> None:
    (folder / CASE).unlink()
    with pytest.raises(FileNotFoundError, match=r"case\.json"):
        evaluated(load, folder)


def test_a_figure_that_is_not_finite_is_unknown_and_a_doubt(
    load: Load, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`summary.json` is strict JSON; see test_strict_json.py."""

    def with_nan(told: Evidence) -> Analysis:
        found = analyse(told)
        return dataclasses.replace(found, measures={**found.measures, "cpu_time": float("nan")})

    monkeypatch.setattr(module, "analyse", with_nan)
    summary = evaluated(load, folder).summary
    assert summary.measures["cpu_time_s"] is None
    assert summary.invalid == ["not a finite number: cpu_time"]
    to_json(summary.model_dump(mode="json"))


HOSTILE_LINES = [
    '{"event":"listening"}',
    '{"event":"listening","t_ns":1,"workers":"five"}',
    '{"event":"listening","t_ns":1,"workers":' + "9" * 400 + "}",
    '{"event":"stopped","t_ns":1,"cpu_user_s":NaN,"cpu_system_s":0,"peak_memory_bytes":0}',
    '{"event":"stopped","t_ns":1,"cpu_user_s":0,"cpu_system_s":0,"peak_memory_bytes":1e400}',
    '{"event":"worker_exited","t_ns":1}',
    '{"event":"x","t_ns":1,"y":' + "[" * 9_000,
    "x" * 100_000,
]


@pytest.mark.parametrize("line", HOSTILE_LINES, ids=lambda line: line[:70])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_line_of_the_server_that_fits_no_schema_is_a_reason_and_the_run_is_evaluated(
    load: Load, folder: Path, line: str, place: int
) -> None:
    lines = (folder / SERVER_LOG).read_text().splitlines()
    lines.insert(place, line)
    (folder / SERVER_LOG).write_text("\n".join(lines) + "\n")
    summary = evaluated(load, folder).summary
    assert "is not an event" in summary.invalid[0]
    to_json(summary.model_dump(mode="json"))


@pytest.mark.parametrize(
    "change",
    [
        {"health": {"wall_s": "abc"}}, {"end_ns": 10**400}, {"books": {"acked": 10**400}},
        {"replica": "zero"}, {"errors": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_stored_report_that_fits_no_schema_is_a_reason(
    load: Load, folder: Path, change: dict[str, Any]
) -> None:
    stored = json.loads((folder / CLIENTS).read_text())
    stored["replicas"].append({**stored["replicas"][0], **change})
    (folder / CLIENTS).write_text(json.dumps(stored))
    (reason,) = evaluated(load, folder).summary.invalid
    assert reason.startswith("clients.json: the report number 1 is invalid: ")


def test_a_run_has_the_interpreter_that_its_server_reported(load: Load, folder: Path) -> None:
    assert evaluated(load, folder).summary.interpreter is None  # an older version
    report_interpreter(folder, '"3.13.5"', "false")
    found = evaluated(load, folder).summary
    assert found.interpreter == Interpreter(version="3.13.5", lock=False)
    assert found.invalid == []
    assert evaluated(load, folder, "interpreter: 3.13\n").summary.invalid == [
        "interpreter 3.13 was requested, but its interpreter lock is off"
    ]


def report_interpreter(folder: Path, python: str, lock: str) -> None:
    """Add what the server reports in ``listening``."""
    log = (folder / SERVER_LOG).read_text()
    reported = f'"event": "listening", "python": {python}, "interpreter_lock": {lock}'
    assert '"event": "listening"' in log
    (folder / SERVER_LOG).write_text(log.replace('"event": "listening"', reported))


@pytest.mark.parametrize(
    ("requested", "found", "has_lock"),
    [
        ("mine/python:3.13t", Interpreter(version="3.13.5", lock=False), False),
        (None, Interpreter(version="3.13.5", lock=False), False),
        (None, Interpreter(version="3.13.5", lock=True), True),
        (None, None, True),
        ("3.13t", None, False),
    ],
)
def test_the_twin_has_the_interpreter_lock_that_the_server_reported(
    load: Load, requested: str | None, found: Interpreter | None, has_lock: bool
) -> None:
    more = f"interpreter: {requested}\n" if requested else ""
    case = schedule(load(SCENARIO + more))[0].case
    assert as_reported(case, found).has_interpreter_lock is has_lock
