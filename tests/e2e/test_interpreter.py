"""A server on a Python of its own: if it is missing it is refused, and 3.13t has no lock."""

import os
import subprocess
from pathlib import Path

import pytest

from conformance import ROOT
from orchestrator.execution.process.interpreters import executable_of
from tests.e2e.lab_fixtures import Lab
from tests.interpreter_fixtures import need_interpreter

SCENARIO = """\
intent: On which Python?
models: [threaded]
server: {workers: 2}
interpreter: $python
variables: {python: 3.13t}
clients: [{executor: closed, users: 2, messages: 5, demand: cpu=10ms}]
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "python.yaml"
    path.write_text(SCENARIO)
    return path


def test_a_missing_interpreter_ends_the_campaign_before_it_begins(lab: Lab, scenario: Path) -> None:
    ended = lab.orchestrate(scenario, "--backend=process", "--set=python=3.99t", "--out", lab.out)
    assert ended.code == 3
    assert "interpreter 3.99t is not on this machine" in ended.out + ended.err
    assert "make interpreter PYTHON=3.99t" in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err


def test_the_results_have_the_interpreter_without_its_lock(lab: Lab, scenario: Path) -> None:
    need_interpreter("3.13t")
    ended = lab.run(scenario, "--backend=process")
    found = ended.case("threaded")["interpreter"]
    assert (found["version"].startswith("3.13."), found["lock"]) == (True, False)


def test_a_lock_that_came_on_again_makes_the_run_invalid(
    lab: Lab, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only an executable of the same name on the PATH may set it: the lab passes no PYTHON_GIL."""
    need_interpreter("3.13t")
    program = tmp_path / "bin" / "python3.13t"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHON_GIL=1 exec {executable_of("3.13t")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ended = lab.orchestrate(scenario, "--backend=process", "--out", lab.out)
    assert ended.code == 4
    assert "interpreter 3.13t was requested, but its interpreter lock is on" in ended.out


def build(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    """Run the script with an empty cache and an engine that does not answer."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "docker").write_text("#!/bin/sh\nexit 1\n")
    (programs / "docker").chmod(0o755)
    return subprocess.run(
        ["scripts/interpreter"],
        cwd=ROOT,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), "PYTHON": version},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("version", ["", "3", "python3.13", "3.13t; true"])
def test_only_a_version_is_built(tmp_path: Path, version: str) -> None:
    ended = build(tmp_path, version)
    assert ended.returncode == 1
    assert "is not a version: write make interpreter PYTHON=3.13t" in ended.stderr


def test_what_has_been_built_is_not_built_again(tmp_path: Path) -> None:
    """The stand-in says nothing about itself, so it also passes the check of what was built."""
    built = tmp_path / ".cache/server-models-lab/python3.99t/bin/python3.99t"
    built.parent.mkdir(parents=True)
    built.write_text("#!/bin/sh\nexit 0\n")
    built.chmod(0o755)
    ended = build(tmp_path, "3.99t")
    assert ended.returncode == 0, ended.stderr
    assert f"nothing to build, {built} is there" in ended.stdout
    assert "no Docker engine answers" in ended.stdout
