"""The contract holds through an image and a published port, and of a server that is just a port."""

import subprocess
import sys

import pytest

from tests.e2e.containers.project import MODELS, ROOT, Project, address

pytestmark = [pytest.mark.docker, pytest.mark.slow]

DEADLINE_S = 120


@pytest.mark.parametrize("model", MODELS)
def test_a_container_keeps_the_contract(model: str, project: Project) -> None:
    container = project.up(model, LAB_SERVICE_TIME="10ms", LAB_LOG_LEVEL="lifecycle")
    host, port = address(container)
    tried = subprocess.run(
        [sys.executable, "-m", "tests.conformance", f"{host}:{port}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert " 0 failed" in tried.stdout
    container.reload()
    assert container.attrs["State"]["Health"]["Status"] == "healthy"
