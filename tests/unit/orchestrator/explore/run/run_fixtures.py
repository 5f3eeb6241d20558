"""Scenarios for runs that take place without a server."""

from pathlib import Path

from orchestrator.scenario.load import parse_scenario
from orchestrator.scenario.models import discover_models
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario

TEXT = """\
intent: Who waits?
models: [prefork]
clients: [{executor: closed, users: 3, messages: 2, demand: sleep=100ms}]
server: {workers: 2}
"""


def scenario_in(text: str = TEXT) -> Scenario:
    """Return the scenario ``text``."""
    return parse_scenario("mine.yaml", text, discover_models())


def case_in(text: str = TEXT) -> Case:
    """Return the only case of the scenario ``text``."""
    (case,) = plan_cases(scenario_in(text))
    return case


def write_log(path: Path, *lines: str) -> Path:
    """Write an event log of ``lines``, the last one without its end."""
    path.write_text("\n".join(lines))
    return path
