"""``compare`` shows the differences of two stored runs, and ends with a verdict."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.campaign.comparison import Change, Difference
from orchestrator.campaign.summarise import Findings
from orchestrator.cli import compare
from orchestrator.cli.compare import comparison_exit_code
from orchestrator.cli.main import main
from orchestrator.report.publish import summary_json
from orchestrator.results.archive import Archive
from orchestrator.results.summary import CaseSummary, FaultSummary
from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.campaign.test_comparison import BUSY, P99, STEADY, repeated
from tests.unit.orchestrator.report.report_fixtures import case, run_over_time, summary

Finish = Callable[[Findings, Archive], int]
SLOWER = repeated([value * 1.2 for value in STEADY if value is not None])


def stored(folder: Path, name: str, *cases: CaseSummary) -> str:
    """Write a summary of ``cases``; return its folder."""
    (folder / name).mkdir()
    (folder / name / "summary.json").write_text(summary_json(summary(*cases)))
    return str(folder / name)


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    """Return the folders of a run and of a slower one."""
    return [stored(tmp_path, "before", repeated(STEADY)), stored(tmp_path, "after", SLOWER)]


@pytest.mark.parametrize(("options", "code"), [([], 1), (["--threshold", "30%"], 0)])
def test_the_threshold_decides(
    runs: list[str], options: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *runs, "--measure", "p99", *options]) == code
    assert main(["compare", *reversed(runs), "--measure", "p99", *options]) == 0
    assert "prefork" in capsys.readouterr().out


def test_a_measure_that_was_not_measured_is_undecided(runs: list[str]) -> None:
    assert main(["compare", *runs, "--measure", "errors"]) == 4


def test_a_percentile_in_brackets_is_compared(tmp_path: Path) -> None:
    names = {"p(99.5)": "response_time_p99_5", "p(99.9)": "response_time_p999"}
    for written, name in names.items():
        folder = tmp_path / name
        folder.mkdir()
        before = stored(folder, "a", repeated(STEADY, f"{name}_s"))
        after = stored(folder, "b", repeated([1.2 * (each or 0) for each in STEADY], f"{name}_s"))
        assert main(["compare", before, after, "--measure", written]) == 1


def test_json_has_every_difference_and_no_infinity(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    none, some = ([value] * 5 for value in (0.0, 3.0))
    first = stored(tmp_path, "a", repeated([*none], "failed"))
    second = stored(tmp_path, "b", repeated([*some], "failed"))
    assert main(["compare", first, second, "--measure", "failed", "--json"]) == 1
    (found,) = json.loads(capfd.readouterr().out)["differences"]
    assert (found["case"], found["change"], found["relative"]) == ("prefork", "regression", None)


def test_a_case_of_one_run_only_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both, alone = repeated(STEADY), case("epoll")
    first, second = stored(tmp_path, "a", both), stored(tmp_path, "b", both, alone)
    main(["compare", first, second])
    assert "not compared, because only one of the runs has it: epoll\n" in capsys.readouterr().err


def test_faults_that_a_person_injected_are_named(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pause = FaultSummary(
        fault="pause", worker=None, asked_s=1, effect_s=1, reverted_s=2, error="", is_by_hand=True
    )
    planned = pause.model_copy(update={"is_by_hand": False})
    one = case(runs=[run_over_time(None, faults=[pause, planned])])
    main(["compare", runs[0], stored(tmp_path, "by_hand", one)])
    assert (
        f"{tmp_path}/by_hand: not only its scenario, but also faults by hand: prefork: pause"
        in (capsys.readouterr().err)
    )


def test_an_invalid_run_counts_if_it_is_accepted(tmp_path: Path) -> None:
    pair = [stored(tmp_path, "a", repeated(STEADY)), stored(tmp_path, "b", BUSY)]
    assert main(["compare", *pair, "--measure", "p99"]) == 4
    assert main(["compare", *pair, "--measure", "p99", "--accept-invalid"]) == 0


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["compare", *arguments]) == 2
    return capsys.readouterr().err


def test_a_folder_without_a_summary(
    tmp_path: Path, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal([runs[0], str(tmp_path)], capsys) == (
        f"orchestrate.py: {tmp_path}/summary.json cannot be read: no such file or directory; "
        "give a folder under results/\n"
    )


def test_a_summary_of_another_version(
    tmp_path: Path, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "summary.json").write_text('{"schema_version": 1}')
    assert refusal([str(tmp_path), runs[0]], capsys) == (
        f"orchestrate.py: {tmp_path}/summary.json was written by an incompatible version\n"
    )


def test_runs_without_a_common_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair = [stored(tmp_path, "a", case("single")), stored(tmp_path, "b", case("epoll"))]
    said = refusal(pair, capsys)
    assert said == f"orchestrate.py: {pair[0]} and {pair[1]} have no case in common\n"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--threshold", "5", "'5' is not a percentage; write e.g. 5%"),
        ("--threshold", "-5%", "expected one argument"),
        ("--measure", "q98", "unknown measure 'q98'"),
        ("--measure", "p100", "p100 is not a percentile; a percentile is above 0 and below 100"),
        ("--measure", "p(101)", "'101' is not a percentile"),
        ("--measure", "slow.schedule_lag_p95", "each client replica reports schedule_lag_p50"),
        ("--measure", "users", "'users' is not measured"),
        ("--measure", "slow.cpu_time", "'slow.cpu_time' is not measured"),
    ],
)
def test_a_bad_option_is_explained(
    option: str, value: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "a", "b", option, value])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([Change.NONE, Change.UNKNOWN], 0),
        ([Change.IMPROVEMENT], 0),
        ([Change.UNKNOWN, Change.REGRESSION], 1),
        ([Change.UNKNOWN, Change.UNKNOWN], 4),
    ],
)
def test_exit_codes(changes: list[Change], code: int) -> None:
    found = [Difference("prefork", P99, None, None, change=change) for change in changes]
    assert comparison_exit_code(found) == code


def test_a_difference_without_a_verdict_is_undecided() -> None:
    assert comparison_exit_code([Difference("prefork", P99, 0.1, 0.12, 0.2)]) == 4


def test_a_required_measure_that_cannot_be_told_is_no_pass(tmp_path: Path) -> None:
    """Without it, the run passes by its other rows."""
    unsteady = repeated([0.1, 0.12, 0.09, 0.11, 0.13])
    pair = [stored(tmp_path, "a", repeated(STEADY)), stored(tmp_path, "b", unsteady)]
    found = [Difference("a", P99, None, None), Difference("a", "p50", 1, 1, change=Change.NONE)]
    assert comparison_exit_code(found) == 0
    assert comparison_exit_code(found, ["p99"]) == 4
    assert comparison_exit_code(found, ["p50"]) == 0
    worse = Difference("b", "p50", 1, 2, change=Change.REGRESSION)
    assert comparison_exit_code([*found, worse], ["p99"]) == 1
    assert main(["compare", *pair, "--measure", "response_time_p99", "--require", "p99"]) == 4


def test_one_run_alone_is_not_compared(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    message = "orchestrate.py: compare needs two results folders: compare RUN_A RUN_B\n"
    assert refusal(runs[:1], capsys) == message
    message = "orchestrate.py: compare --calibrate needs one scenario file and nothing else\n"
    assert refusal(["--calibrate", *runs], capsys) == message


def recorded(folder: str, **content: str) -> None:
    """Store the ``environment`` and the ``scenario`` of a run."""
    names = {"environment": "environment.json", "scenario": "scenario.yaml"}
    for name, text in content.items():
        (Path(folder) / names[name]).write_text(text)


def test_two_scenarios_are_not_compared_unless_asked(
    runs: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    for folder, users in zip(runs, (1, 2), strict=True):
        recorded(folder, scenario=f"intent: a\nclients: [{{name: c, users: {users}}}]\n")
    words = ["compare", *runs, "--measure", "p99"]
    assert main(words) == 4
    shown = " ".join(capfd.readouterr().out.split())
    assert (
        "the runs have different scenarios (clients.c.users: 1, then 2); "
        "compare --different-scenarios gives verdicts all the same"
    ) in shown
    assert main([*words, "--different-hosts"]) == 4
    capfd.readouterr()
    assert main([*words, "--different-scenarios", "--json"]) == 1
    found = {"name": "clients.c.users", "before": "1", "after": "2", "effect": "other scenario"}
    assert found in json.loads(capfd.readouterr().out)["conditions"]


def test_two_hosts_are_not_compared_unless_asked(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, model in zip(runs, ("Xeon", "EPYC"), strict=True):
        recorded(folder, environment=json.dumps({"cpu_model": model}))
    words = ["compare", *runs, "--measure", "p99"]
    assert main(words) == 4
    assert "other host: CPU model: Xeon, then EPYC\n" in capsys.readouterr().out
    assert main([*words, "--different-hosts"]) == 1
    assert "other host: CPU model: Xeon, then EPYC\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("environment", "{", "environment.json is damaged: it is not JSON"),
        ("environment", "[]", "environment.json is damaged: it is no map"),
        ("scenario", "a: [", "scenario.yaml is damaged: it is not YAML"),
        ("scenario", "[]", "scenario.yaml is damaged: it is no map"),
    ],
)
def test_a_damaged_file_is_named(
    name: str, text: str, reason: str, runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(runs[0], **{name: text})
    assert refusal(runs, capsys) == f"orchestrate.py: {runs[0]}/{reason}\n"


@pytest.mark.parametrize(("factor", "alarms"), [(1.0, 0), (1.5, 1)])
def test_a_calibration_prints_the_false_alarms(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    factor: float,
    alarms: int,
) -> None:
    """Every difference between the halves of one version is one."""
    is_second = [False, True, True, False, False, True, True, False, False, True]
    values = [0.1 + n / 10_000 for n in range(10)]
    column = [v * factor if second else v for v, second in zip(values, is_second, strict=True)]

    def run(_: object, scenario: Scenario, finish: Finish, repeats_per_draw: int) -> int:
        assert (scenario.repeats, repeats_per_draw) == (10, 2)
        (tmp_path / "results").mkdir()
        findings = Findings(summary(repeated([*column])), {}, {})
        return finish(findings, Archive(tmp_path / "results"))

    monkeypatch.setattr(compare, "perform", run)
    monkeypatch.setattr(compare, "store", lambda *_: None)
    path = tmp_path / "one.yaml"
    path.write_text(
        "intent: Is it quiet?\nmodels: [single]\nrepeats: 5\n"
        "clients: [{executor: closed, users: 1, messages: 1, demand: sleep=1s}]\n"
    )
    assert main(["compare", "--calibrate", str(path), "--measure", "p99"]) == alarms
    expected = f"false alarms: {alarms} of 1 row with an interval; one version ran twice"
    assert expected in capsys.readouterr().err
