"""What a scenario may ask for that several hosts cannot do yet, by name, before anything runs."""

from collections.abc import Iterator

from orchestrator.execution.backend import BackendError
from orchestrator.scenario.faults import ENDING
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import Limits

LIMITS = {
    "memory": "Swarm would let it swap beyond the limit",
    "cpuset": "Swarm cannot bind a container to CPUs",
    "client_cpuset": "Swarm cannot bind a container to CPUs",
}


def refuse(scenario: Scenario) -> None:
    """Check that several hosts can run ``scenario``.

    Raises:
        BackendError: they cannot; with every reason.
    """
    found = list(dict.fromkeys(_reasons(scenario)))
    if found:
        shown = "\n".join(f"    {reason}" for reason in found)
        raise BackendError(f"--backend swarm cannot run this; use --backend docker\n{shown}")


def _reasons(scenario: Scenario) -> Iterator[str]:
    if scenario.target is not None:
        yield "target: only the lab's own models run on several hosts"
    for case in plan_cases(scenario):
        yield from _of_limits(case.settings.limits)
    for fault in scenario.faults:
        if fault.fault in ENDING and fault.lasts is not None:
            yield f"{fault.fault} with lasts: Swarm does not start a container again"


def _of_limits(limits: Limits) -> Iterator[str]:
    for key, reason in LIMITS.items():
        if getattr(limits, key) is not None:
            yield f"limits.{key}: {reason}"
