"""``plan`` prints the runs in order, with estimates, and runs nothing."""

from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.cli.plan import NOTE, duration, plan_lines
from tests.unit.orchestrator.scenario.test_estimate import scenario


def test_the_plan_says_which_models_ignore_an_axis(tmp_path: Path) -> None:
    one = "{executor: closed, users: 7, messages: 5, demand: sleep=100ms}"
    more = "matrix: {workers: [1, 2]}\nignores: {a: [workers], b: [workers]}\n"
    lines = list(plan_lines(scenario(tmp_path, one, more)))
    assert "a and b ignore workers: one case for all its values" in lines
    lines = list(
        plan_lines(
            scenario(
                tmp_path, one, more.replace("{a: [workers], b: [workers]}", "{all: [workers]}")
            )
        )
    )
    assert "every model ignores workers: one case for all its values" in lines


def test_a_plan_is_in_rounds(tmp_path: Path) -> None:
    one = "{executor: closed, users: 7, messages: 5, demand: sleep=100ms}"
    assert list(plan_lines(scenario(tmp_path, one, "repeats: 2\n"))) == [
        "How long?",
        "round 1",
        "  [1/4] a (1 of 2): about 1 s (0.5 s to 3.5 s)",
        "  [2/4] b (1 of 2): about 1 s (0.5 s to 3.5 s)",
        "round 2",
        "  [3/4] b (2 of 2): about 1 s (0.5 s to 3.5 s)",
        "  [4/4] a (2 of 2): about 1 s (0.5 s to 3.5 s)",
        "4 runs: about 4 s (2 s to 14 s)",
        "at most 8.0 min, because timeout ends each load",
        "runs that other programs disturb are repeated at the end, at most 2 of each case, until "
        "that has taken as long as the planned runs (about 4 s (2 s to 14 s))",
        "seeds: all repeats draw the same (fixed)",
        "starting and stopping adds about 2 s (process) or 16 s (docker)",
    ]


def test_a_plan_says_that_each_repeat_of_a_random_load_draws_anew(tmp_path: Path) -> None:
    load = "rate: 9/s, duration: 1s, arrivals: poisson, connections: 2, demand: sleep=1ms"
    one = f"{{executor: open, {load}}}"
    lines = list(plan_lines(scenario(tmp_path, one, "repeats: 2\n")))
    assert "seeds: each repeat draws anew, the same for all models (vary)" in lines
    lines = list(plan_lines(scenario(tmp_path, one, "repeats: 2\nseeds: fixed\n")))
    assert "seeds: all repeats draw the same (fixed)" in lines
    assert not any("seeds" in line for line in plan_lines(scenario(tmp_path, one)))


def test_a_plan_says_on_which_host_a_group_runs(tmp_path: Path) -> None:
    one = "{executor: closed, users: 1, messages: 1, demand: sleep=1s, place: {host: laptop}}"
    lines = list(plan_lines(scenario(tmp_path, one)))
    assert "clients: on the host laptop, with --backend swarm" in lines


def test_a_plan_says_that_disturbed_runs_are_not_repeated(tmp_path: Path) -> None:
    one = "{executor: closed, users: 1, messages: 1, demand: sleep=1s}"
    lines = list(plan_lines(scenario(tmp_path, one, "retries_of_invalid: 0\n")))
    assert "runs that other programs disturb are not repeated (retries_of_invalid: 0)" in lines


def test_a_sequence_has_no_rounds(tmp_path: Path) -> None:
    one = "{executor: closed, users: 1, duration: 5s, demand: sleep=1s}"
    plain = list(plan_lines(scenario(tmp_path, one, "repeats: 2\norder: sequential\n")))
    assert plain[1:3] == ["  [1/4] a (1 of 2): about 6 s", "  [2/4] a (2 of 2): about 6 s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.04 s"), (9.94, "9.9 s"), (95, "95 s"), (120, "2.0 min"), (9000, "2.5 h")],
)
def test_a_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_command_prints_the_plan_and_what_the_estimate_assumes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(
        "intent: How long?\nmodels: [single]\nvariables: {users: 1}\n"
        "clients: [{executor: closed, users: $users, messages: 1, demand: sleep=1s}]\n"
    )
    assert main(["plan", str(path), "--set", "users=3"]) == 0
    printed = capsys.readouterr().out
    assert "  [1/1] single: about 3 s\n" in printed
    assert printed.endswith(NOTE)


@pytest.mark.parametrize(
    ("model", "group", "told"),
    [
        # each of 19 users waits for its first message, behind one that sends three
        ("single", "{executor: closed, users: 20, duration: 5s, demand: sleep=2s}", "44 s"),
        ("epoll", "{executor: closed, users: 20, duration: 5s, demand: sleep=2s}", "6 s"),
        ("single", "{executor: open, rate: 10/s, duration: 2s, connections: each, "
         "demand: sleep=1s}", "20 s"),
        # in this model clients do not wait, and no client waits longer than the time-out
        ("single", "{executor: closed, users: 90, messages: 2, demand: sleep=1s}", "2.0 min"),
        # no twin: from the load alone
        ("epoll", "{executor: closed, users: 2, messages: 1, behaviour: slow-reader}",
         "2 s (2 s to 4 s)"),
    ],
)  # fmt: skip
def test_an_estimate_is_of_the_model_s_queue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, group: str, told: str
) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(f"intent: How long?\nmodels: [{model}]\nclients: [{group}]\n")
    assert main(["plan", str(path)]) == 0
    assert f"  [1/1] {model}: about {told}\n" in capsys.readouterr().out


def test_a_plan_does_not_simulate_more_than_it_has_time_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(
        "intent: How long?\nmodels: [epoll]\n"
        "clients: [{executor: closed, users: 1000, messages: 1000, demand: sleep=1ms}]\n"
    )
    assert main(["plan", str(path)]) == 0
    assert "  [1/1] epoll: about 2.0 min (1 s to 2.0 min)\n" in capsys.readouterr().out


def test_an_invalid_scenario_has_no_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", str(tmp_path / "nowhere.yaml")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"{tmp_path}/nowhere.yaml:1:1: cannot be read")
