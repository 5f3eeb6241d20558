"""Cases for the twin from a few words of YAML, and their simulation."""

from typing import Any

import yaml

from orchestrator.scenario.fields import MAX_LOAD, PREDICTION_LOAD
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.parameters import NONE, Discipline, Kind, Overhead
from orchestrator.twin.simulate import Simulated, simulate, sources_of

FOREVER_NS = 2**62
MS = 1_000_000
CPUS = 2.0
SEVEN = "[{executor: closed, users: 7, messages: 2, demand: sleep=100ms}]"


def case_of(clients: str, *, server: str = "{}", seed: int = 1) -> Case:
    """Return the one case of a load, ``clients`` as the list's text in a scenario."""
    told: dict[str, Any] = {
        "intent": "What becomes of it?",
        "models": ["any"],
        "server": yaml.safe_load(server),
        "clients": yaml.safe_load(clients),
        "seed": seed,
        "timeout": "60m",
    }
    (case,) = plan_cases(Scenario.model_validate(told, context={MAX_LOAD: PREDICTION_LOAD}))
    return case


def simulated(
    kind: Kind, case: Case, overhead: Overhead = NONE, end_ns: int = FOREVER_NS
) -> Simulated:
    """Simulate ``case`` with a server of that kind on two CPUs."""
    return simulate(sources_of(case), Discipline.of(kind, case, CPUS), overhead, end_ns)


def ended_ms(found: Simulated) -> dict[tuple[int, int], float]:
    """Return when each message was acked, by user and message."""
    rows = found.messages
    users = found.connections["user"][rows["connection"]].tolist()
    ended = (rows["ended_ns"] / MS).round(3).tolist()
    return dict(zip(zip(users, rows["message"].tolist(), strict=True), ended, strict=True))
