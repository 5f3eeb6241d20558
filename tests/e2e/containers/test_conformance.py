"""The servers in containers keep the contract, through a published port."""

import subprocess
import sys
import threading

import pytest

from conformance import ROOT
from orchestrator.scenario.models import discover_classic
from tests.e2e.containers.project_fixtures import MODELS, Project, address

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.together]

DEADLINE_S = 120


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take the classic models; with --long, every one."""
    models = MODELS if metafunc.config.getoption("--long") else discover_classic()
    metafunc.parametrize("model", models)


def test_a_container_keeps_the_contract(model: str, project: Project) -> None:
    # A backlog that holds all clients of a burst: if it overflows behind Docker's proxy, a
    # connection may be established with the proxy only, and `single` then waits for it.
    settings = {"LAB_SERVICE_TIME": "10ms", "LAB_LOG_LEVEL": "lifecycle", "LAB_BACKLOG": "1024"}
    container = project.up(model, **settings)
    host, port = address(container)
    with subprocess.Popen(
        [sys.executable, "-m", "conformance", f"{host}:{port}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as trial:
        watchdog = threading.Timer(DEADLINE_S, trial.kill)
        watchdog.start()
        said, _ = trial.communicate()
        watchdog.cancel()
    assert trial.returncode == 0, said + container.logs().decode()
    assert " 0 failed" in said
    container.reload()
    assert container.attrs["State"]["Health"]["Status"] == "healthy"
