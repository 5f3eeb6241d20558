"""Each misuse gives one clear message and the right exit code, never a traceback."""

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab_fixtures import Lab

pytestmark = pytest.mark.together

SCENARIO = """\
intent: Does one message get through?
models: [single]
clients:
  - {executor: closed, users: 1, messages: 1, demand: sleep=1ms}
expect:
  all: ["acked == 1"]
"""
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nintent: [*b, *b]\n"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "one.yaml"
    path.write_text(SCENARIO)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1:1: the file is empty"),
        ("- single\n", "1:1: the file holds a list"),
        (SCENARIO.replace("single", "singel"), "2:10: unknown model 'singel'; did you mean"),
        (SCENARIO.replace("users", "usres"), "4:24: unknown key 'usres'; did you mean 'users'"),
        (SCENARIO.replace("1ms", "1"), "4:55: "),
        (SCENARIO.replace("users: 1", "users: -1"), "4:31: users: "),
        (SCENARIO.replace("users: 1", "users: 1, replicas: 1000000"), "4:44: replicas: "),
        (BOMB, "1:4: anchors and aliases are not allowed"),
        (SCENARIO.replace("  - {", "\t- {"), "4:1: "),
        (SCENARIO.replace("acked ==", "akced =="), "6:10: unknown name 'akced'; did you mean"),
    ],
    ids=[
        "empty", "list", "model", "key", "unit", "negative", "million", "bomb", "tab", "measure",
    ],
)  # fmt: skip
def test_invalid_scenarios(lab: Lab, scenario: Path, text: str, message: str) -> None:
    scenario.write_text(text)
    ended = lab.orchestrate(scenario, "--out", lab.out)
    assert ended.code == 2
    assert f"{scenario}:{message}" in ended.err
    assert ended.err.count("\n") == 1
    assert ended.results == ()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.yaml"], "nowhere.yaml:1:1: cannot be read: no such file"),
        ([], "no command and no scenario; commands: run"),
        (["--bakend", "docker", "x.yaml"], "unrecognized arguments: --bakend"),
        (["x.yaml", "--backend", "podman"], "invalid choice: 'podman'"),
        (["report", "nowhere"], "does not hold complete results"),
        (["plan", "nowhere.yaml"], "nowhere.yaml:1:1: cannot be read: no such file"),
        (["clean", "results"], "unrecognized arguments: results"),
        (["schema", "--draft", "7"], "unrecognized arguments: --draft 7"),
    ],
)
def test_invalid_command_lines(lab: Lab, arguments: list[str], message: str) -> None:
    ended = lab.orchestrate(*arguments)
    assert ended.code == 2
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_help_has_examples(lab: Lab) -> None:
    ended = lab.orchestrate("--help")
    assert ended.code == 0
    assert "python orchestrate.py scenarios/quickstart.yaml" in ended.out
    assert "130  interrupted" in ended.out


def test_validate_runs_nothing(lab: Lab, scenario: Path) -> None:
    ended = lab.orchestrate("validate", scenario, "scenarios/quickstart.yaml")
    assert ended.code == 0
    assert f"{scenario}: valid, 1 case\n" in ended.out
    assert "  prefork" in ended.out


def test_plan_runs_nothing(lab: Lab, scenario: Path) -> None:
    ended = lab.orchestrate("plan", scenario)
    assert ended.code == 0
    assert re.search(r"  \[1/1\] single: about 0\.00[12]\d* s", ended.out)
    scenario.write_text(SCENARIO.replace("users: 1", "users: -1"))
    assert lab.orchestrate("plan", scenario).code == 2


def test_the_schema_is_the_published_one(lab: Lab) -> None:
    ended = lab.orchestrate("schema")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == (lab.checkout / "docs" / "scenario.schema.json").read_text()


def test_with_json_stdout_has_only_json(lab: Lab, scenario: Path) -> None:
    ended = lab.orchestrate(scenario, "--backend", "process", "--out", lab.out, "--json")
    (folder,) = ended.results
    assert ended.out == (folder / "summary.json").read_text()
    assert ended.code == ended.summary["exit_code"]
    again = lab.orchestrate("report", folder, "--json")
    assert (again.code, again.out) == (ended.code, ended.out)


def test_docker_without_an_engine_is_an_error(
    lab: Lab, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    ended = lab.orchestrate(scenario, "--backend", "docker", "--out", lab.out)
    assert ended.code == 3
    assert "start it or correct DOCKER_HOST" in ended.err
    assert ended.results == ()
    assert "Traceback" not in ended.err


def test_without_an_engine_the_backend_is_process_and_this_is_reported(
    lab: Lab, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    ended = lab.orchestrate(scenario, "--accept-invalid", "--out", lab.out)
    assert ended.code == 0, ended.err
    assert "backend: process (there is no docker command" in ended.err


def test_an_engine_that_was_chosen_is_not_replaced_by_processes(
    lab: Lab, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    ended = lab.orchestrate(scenario, "--out", lab.out)
    assert ended.code == 3, ended.err
    assert "though DOCKER_HOST chooses it" in ended.err
    assert ended.results == ()


def test_keep_without_containers(lab: Lab, scenario: Path) -> None:
    ended = lab.orchestrate(scenario, "--backend", "process", "--keep", "--out", lab.out)
    assert ended.code == 3
    assert "--keep keeps containers running" in ended.err


@pytest.mark.parametrize("taken", [3000, 3001, 3100])
def test_a_taken_port_does_not_matter(lab: Lab, scenario: Path, taken: int) -> None:
    try:
        holder = socket.create_server(("127.0.0.1", taken))
    except OSError:
        holder = socket.socket()  # another program holds it, which is as good
    with holder:
        ended = lab.run(scenario, "--backend", "process")
    assert ended.code == 0, ended.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(lab: Lab, scenario: Path, small_disk: Path) -> None:
    scenario.write_text(SCENARIO.replace("messages: 1", "messages: 2000").replace("1ms", "0ms"))
    ended = lab.orchestrate(scenario, "--backend", "process", "--out", small_disk)
    assert ended.code == 3
    assert (
        "(No space left on device); free some space there, or choose another folder with --out"
        in ended.out + ended.err
    )
    assert "Traceback" not in ended.err
    assert not list(small_disk.rglob("*.partial"))
