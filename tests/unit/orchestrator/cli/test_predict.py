"""What ``orchestrate.py predict`` prints, and how it says no."""

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.scenario.models import ROOT, discover_models, discover_twins
from orchestrator.twin.parameters import Kind

M_M_1 = """\
intent: How long does an arrival wait?
models: [single, epoll]
variables: {rate: 10/s}
clients:
  - {executor: open, rate: $rate, duration: 20m, arrivals: poisson, connections: each,
     demand: sleep=exponential(50ms)}
timeout: 30m
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "queue.yaml"
    path.write_text(M_M_1)
    return path


def test_every_model_tells_its_twin_something_that_it_knows() -> None:
    twins = discover_twins()
    assert list(twins) == discover_models()
    assert {Kind(told) for told in twins.values()} == set(Kind)


def test_a_row_for_each_case_with_its_formula_beneath(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(scenario), "--overhead", "none"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "How long does an arrival wait?"
    assert [line.split()[:2] for line in told[2:6]] == [
        ["single", "simulation"], ["M/M/1", "10.0"], ["epoll", "simulation"], ["M/G/inf", "10.0"],
    ]  # fmt: skip
    # ρ = 0.5: 50 ms / 0.5, of which half is wait; the quantiles of an exponential of that mean
    assert told[3].split()[3:] == (
        ["0.5", "100.0", "ms", "69.3", "ms", "460.5", "ms", "50.0", "ms", "0.5"]
    )


def test_as_json_for_programs(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["predict", str(scenario), "--json", "--model", "single", "--cpus", "4"]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    (case,) = told["cases"]
    assert (case["name"], case["formula"], told["cpus"]) == ("single", "M/M/1", 4.0)
    assert case["steady"]["response_time_mean_s"] == pytest.approx(0.1)
    assert case["figures"]["response_time_mean_s"] == pytest.approx(0.1, rel=0.1)
    assert told["overhead"]["request_ns"] > 0


def test_a_queue_that_only_grows_is_said_to(
    scenario: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(scenario), "--set", "rate=40/s", "--model", "single"]) == 0
    assert (
        "single: 2 erlangs for 1 worker: the queue grows without limit" in capsys.readouterr().out
    )


def test_a_crowd_beyond_the_backlog_is_remarked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "crowd.yaml"
    path.write_text(
        "intent: x\nmodels: [single]\nserver: {backlog: 8}\n"
        "clients: [{executor: closed, users: 50, messages: 1, demand: sleep=1ms}]\n"
    )
    assert main(["predict", str(path), "--overhead", "none"]) == 0
    assert "49 connections wait to be accepted, and the backlog holds 8" in capsys.readouterr().out


def test_faults_and_guesses_that_were_not_made_are_remarked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "open.yaml"
    path.write_text(
        "intent: x\nmodels: [epoll]\nvariables: {makespan: }\n"
        "clients: [{executor: closed, users: 1, messages: 1, demand: sleep=1s}]\n"
        "faults: [{at: 1s, fault: pause, lasts: 1s}]\n"
        "guess: {epoll: ['makespan ~= ${makespan} within 10%']}\n"
    )
    assert main(["predict", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "faults: they are left out" in printed
    assert "epoll: no guess was made for makespan ~= ? within 10%" in printed
    assert main(["predict", str(path), "--set", "makespan=1s"]) == 0
    assert "your guess makespan ~= 1s within 10% is right" in capsys.readouterr().out


def test_more_than_a_run_may_ask_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "many.yaml"
    path.write_text(
        "intent: x\nmodels: [prefork]\n"
        "clients: [{executor: closed, users: 20000, messages: 1, demand: sleep=1ms}]\n"
    )
    assert main(["validate", str(path)]) == 2
    assert "20000 is out of range; allowed: a whole number from 1 to 10000" in (
        capsys.readouterr().err
    )
    assert main(["predict", str(path), "--overhead", "none"]) == 0
    assert "4.000 s" in capsys.readouterr().out  # 20,000 messages of 1 ms by five workers


def test_who_has_no_twin_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rude.yaml"
    path.write_text(
        "intent: x\nmodels: [single]\n"
        "clients: [{executor: closed, users: 2, messages: 1, behaviour: reset}]\n"
    )
    assert main(["predict", str(path)]) == 0
    assert "single: the twin has polite clients only, not reset" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--model", "singel"], "did you mean 'single'?"),
        (["--set", "rat=1/s"], "unknown variable 'rat'"),
    ],
)
def test_misuse(
    scenario: Path, capsys: pytest.CaptureFixture[str], asked: list[str], told: str
) -> None:
    assert main(["predict", str(scenario), *asked]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "scenarios").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_ready_scenario_can_be_predicted(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert all(case["figures"] or case["remarks"] for case in told["cases"])


SIZED = """\
intent: How many workers are enough?
models: [epoll, prefork]
clients: [{executor: closed, users: 4, messages: 5, demand: sleep=10ms}]
matrix: {workers: [1, 2, 4]}
expect: {all: [makespan < 120ms with 95%, errors == 0, makespan ~= predicted.makespan within 1%]}
answer: "{least(workers, makespan < 120ms)} is enough."
"""


@pytest.fixture
def sized(tmp_path: Path) -> Path:
    path = tmp_path / "sized.yaml"
    path.write_text(SIZED)
    return path


def test_expectations_are_graded_by_the_predicted_values(
    sized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four users of 50 ms each: one worker needs 200 ms, two need 100 ms."""
    assert main(["predict", str(sized), "--overhead", "none"]) == 0
    printed = capsys.readouterr().out.splitlines()
    fails = "prefork,workers=1: makespan < 120ms with 95% fails (200.0 ms vs 120.0 ms)"
    assert fails in printed
    assert "prefork,workers=2: holds" in printed
    unknown = "cannot be predicted: errors == 0; makespan ~= predicted.makespan within 1%"
    assert unknown in printed
    assert "the cheapest case that holds: epoll (1 worker)" in printed
    assert printed[-1] == "predicted: epoll is enough."


def test_if_nothing_can_be_predicted_no_case_holds_or_fails(
    sized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = SIZED.replace("makespan < 120ms with 95%, ", "")
    sized.write_text(text)
    assert main(["predict", str(sized)]) == 0
    printed = capsys.readouterr().out
    assert "cannot be predicted: errors == 0" in printed
    assert "holds" not in printed


def test_the_cheapest_of_the_chosen_models_is_named(
    sized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["predict", str(sized), "--overhead", "none", "--model", "prefork", "--json"]
    assert main(asked) == 0
    found = json.loads(capsys.readouterr().out)
    (named,) = found["cheapest"]
    assert (named["cases"], named["workers"]) == (["prefork,workers=2"], 2)
    outcomes = [case["expectations"][0]["outcome"] for case in found["cases"]]
    assert outcomes == ["failed", "passed", "passed"]


def test_answer_and_expectations_of_a_run_with_faults_are_not_predicted_without_them(
    sized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sized.write_text(f"{SIZED}faults: [{{at: 10ms, fault: pause, lasts: 10ms}}]\n")
    assert main(["predict", str(sized)]) == 0
    printed = capsys.readouterr().out
    assert "neither its answer nor its expectations are predicted" in printed
    assert "is enough" not in printed
    assert "holds" not in printed
    assert main(["predict", str(sized), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["answer"], found["cheapest"]) == ([], [])
    assert {len(case["expectations"]) for case in found["cases"]} == {0}


def test_nothing_is_predicted_of_every_case_or_of_none_if_one_has_no_twin(
    sized: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = "target: {name: mine, command: [mine], conformance: skip}\n"
    answer = 'answer: ["{which(makespan < 9s)}", "{which(makespan > 9s)}"]\n'
    sized.write_text(SIZED.partition("matrix")[0] + target + answer)
    assert main(["predict", str(sized)]) == 0
    *_, known, of_none = capsys.readouterr().out.splitlines()
    assert known == "predicted: Under epoll and prefork"
    assert of_none == "predicted: In no case that is known"


def test_the_engineer_s_question_is_answered_before_a_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """2.4 erlangs: a worker or two cannot keep up, and threads wait for the interpreter lock."""
    asked = ["predict", str(ROOT / "scenarios" / "which_model.yaml"), "--cpus", "2"]
    assert main(asked) == 0
    answer = capsys.readouterr().out.splitlines()[-1]
    assert answer.startswith("predicted: epoll keeps p99 under 50 ms with the fewest workers")
    assert "prefork with 4 and 8 workers, threaded with 8 workers, and epoll" in answer
