"""Checks a target against the contract of docs/protocol.md before it is measured."""

import importlib.util
import subprocess
import sys

from orchestrator.execution.backend import Backend, BackendError, StageOrder
from orchestrator.execution.host import environment_without_settings
from orchestrator.execution.run_case import server_environment
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import FAILS, LabError
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import SERVER_DEFAULTS, SKIP, Target

FOLDER, REPORT = "conformance", "report.txt"
DEADLINE_S = 600.0
FAILED = 1  # an exit code of the suite
MOST_FAILURES = 3  # each may take the suite's deadline
CHECK_SETTINGS = {"LAB_SERVICE_TIME": "10ms", "LAB_BACKLOG": "1024"}
"""For messages without a demand, and for the many connections of the suite."""


class NonconformingError(LabError):
    """The target violates the contract; the message has the failed checks."""

    exit_code = FAILS


def hold_to_contract(scenario: Scenario, backend: Backend, archive: Archive) -> None:
    """Run the conformance suite on the scenario's target, and store its report in the results.

    Raises:
        NonconformingError: a check failed.
        BackendError: the target did not start, or the suite could not run.
    """
    target = scenario.target
    if target is None or target.conformance == SKIP:
        return
    if importlib.util.find_spec("pytest") is None:
        raise BackendError(
            "the conformance suite, which checks a target first, needs the development tools "
            "(make .venv/dev.stamp); or write conformance: skip in the target"
        )
    order = StageOrder(
        model=target.name,
        environment=server_environment(scenario.server) | CHECK_SETTINGS,
        limits=scenario.limits,
        replicas=0,
        folder=archive.raw_folder(FOLDER),
        drain_timeout_s=SERVER_DEFAULTS.drain_timeout_s,
        target=target,
    )
    with backend.stage(order) as stage:
        host, port = stage.address
        code, report = _run_suite(f"{host}:{port}")
        archive.write(f"raw/{FOLDER}/{REPORT}", report)
        stage.end()
    _raise_if_failed(target, code, report)


def _run_suite(address: str) -> tuple[int, str]:
    """Return the suite's exit code and report; it is killed if this is interrupted."""
    command = [sys.executable, "-m", "conformance", address, "--most", str(MOST_FAILURES)]
    suite = subprocess.run(  # noqa: S603 the lab's own suite
        command,
        cwd=ROOT,
        env=environment_without_settings(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=DEADLINE_S,
        check=False,
        start_new_session=True,
    )
    return suite.returncode, suite.stdout


def _raise_if_failed(target: Target, code: int, report: str) -> None:
    lines = report.strip().splitlines()
    if code == FAILED:
        failed = [line.partition(" s  ")[2] for line in lines if line.startswith("FAILED")]
        raise NonconformingError(
            f"{target.name} violates the contract, so it was not measured: "
            f"{'; '.join(failed)} ({lines[-1]}; raw/{FOLDER}/{REPORT} has more)"
        )
    if code:
        raise BackendError(f"the conformance suite could not run: {lines[-1] if lines else code}")
