"""A server in a container based on another Python: found on the engine, or refused by name."""

from pathlib import Path

import pytest

from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.docker.interpreters import OWN_BASE
from tests.e2e.lab_fixtures import Ended, Lab

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SCENARIO = """\
intent: On which Python?
models: [threaded]
server: {workers: 2}
interpreter: $python
variables: {python: 3.13}
clients: [{executor: closed, users: 2, messages: 5, demand: cpu=10ms}]
"""


def run(lab: Lab, folder: Path, python: str) -> Ended:
    scenario = folder / "python.yaml"
    scenario.write_text(SCENARIO)
    return lab.orchestrate(
        scenario, "--backend=docker", f"--set=python={python}", "--accept-invalid", "--out", lab.out
    )


@pytest.mark.parametrize(("python", "lock"), [("3.13", True), ("3.13t", False)])
def test_the_results_have_the_interpreter_and_its_image(
    lab: Lab, tmp_path: Path, engine: Engine, python: str, lock: bool
) -> None:
    if not lock and engine.find_image(f"{OWN_BASE}:python{python}") is None:
        pytest.skip(f"this engine has no base image of {python}: make interpreter PYTHON={python}")
    ended = run(lab, tmp_path, python)
    assert ended.code == 0, ended.out + ended.err
    found = ended.case("threaded")["interpreter"]
    assert (found["version"].startswith("3.13."), found["lock"]) == (True, lock)
    environment = (ended.results[0] / "environment.json").read_text()
    assert f'"threaded on {python}": "sha256:' in environment


def test_a_missing_interpreter_ends_the_campaign_before_it_begins(lab: Lab, tmp_path: Path) -> None:
    ended = run(lab, tmp_path, "3.99t")
    assert ended.code == 3
    assert "this engine does not have the base image server-models-lab/base:python3.99t" in (
        ended.out + ended.err
    )
    assert "make interpreter PYTHON=3.99t" in ended.out + ended.err
    assert "Traceback" not in ended.out + ended.err
