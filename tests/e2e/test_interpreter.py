"""A server on a Python of its own: if it is missing it is refused, and 3.13t has no lock."""

from pathlib import Path

import pytest

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
