"""What a scenario may ask for that several hosts cannot do yet, by name, before anything runs."""

from collections.abc import Iterator

from orchestrator.execution.backend import BackendError
from orchestrator.scenario.faults import ENDING
from orchestrator.scenario.scenario import Scenario


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
    for fault in scenario.faults:
        if fault.fault in ENDING and fault.lasts is not None:
            yield f"{fault.fault} with lasts: Swarm does not start a container again"
