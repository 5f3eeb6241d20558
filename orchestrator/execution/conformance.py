"""A target is held to the contract of docs/protocol.md before anything of it is measured."""

import importlib.util
import subprocess
import sys

from orchestrator.execution.backend import Backend, BackendError, StageOrder
from orchestrator.execution.run_case import server_environment
from orchestrator.results.archive import Archive
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import SERVER_DEFAULTS, SKIP, Target

FOLDER, REPORT = "conformance", "report.txt"
DEADLINE_S = 600.0
FAILED = 1
MOST_FAILURES = 3  # each may take the suite's deadline, and one is enough
TRIAL = {"LAB_SERVICE_TIME": "10ms", "LAB_BACKLOG": "1024"}
"""For messages without a demand, and for the suite's crowd."""


class NonconformingError(Exception):
    """The target does not keep the contract; the message says which checks it failed."""


def hold_to_contract(scenario: Scenario, backend: Backend, archive: Archive) -> None:
    """Run the conformance suite on the scenario's target, and keep what it says in the results.

    Raises:
        NonconformingError: a check failed.
        BackendError: the target did not start, or the suite could not run.
    """
    target = scenario.target
    if target is None or target.conformance == SKIP:
        return
    if importlib.util.find_spec("pytest") is None:
        raise BackendError(
            "a target is held to the conformance suite first, which takes the development tools "
            "(make .venv/dev.stamp); or write conformance: skip in the target"
        )
    order = StageOrder(
        model=target.name,
        environment=server_environment(scenario.server) | TRIAL,
        limits=scenario.limits,
        replicas=0,
        folder=archive.raw_folder(FOLDER),
        drain_timeout_s=SERVER_DEFAULTS.drain_timeout_s,
        target=target,
    )
    with backend.stage(order) as stage:
        host, port = stage.address
        code, report = _try(f"{host}:{port}")
        archive.write(f"raw/{FOLDER}/{REPORT}", report)
        stage.end()
    _judge(target, code, report)


def _try(address: str) -> tuple[int, str]:
    """Return the suite's exit code and report; it ends with us."""
    with subprocess.Popen(  # noqa: S603 our own suite
        [sys.executable, "-m", "conformance", address, "--most", str(MOST_FAILURES)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as suite:
        try:
            report, _ = suite.communicate(timeout=DEADLINE_S)
        except BaseException:
            suite.kill()
            raise
    return suite.returncode, report


def _judge(target: Target, code: int, report: str) -> None:
    lines = report.strip().splitlines()
    if code == FAILED:
        failed = [line.partition(" s  ")[2] for line in lines if line.startswith("FAILED")]
        raise NonconformingError(
            f"{target.name} does not keep the contract, so nothing of it was measured: "
            f"{'; '.join(failed)} ({lines[-1]}; raw/{FOLDER}/{REPORT} has more)"
        )
    if code:
        raise BackendError(f"the conformance suite could not run: {lines[-1] if lines else code}")
