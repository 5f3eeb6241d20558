"""Scenario files: read, checked as a whole, and turned into a value that the rest relies on."""

from orchestrator.scenario.groups import Group
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.matrix import AxisValue
from orchestrator.scenario.problems import Problem, ScenarioError
from orchestrator.scenario.scenario import EVERY_MODEL, Scenario
from orchestrator.scenario.sections import Limits, ServerSettings

__all__ = [
    "EVERY_MODEL",
    "AxisValue",
    "Group",
    "Limits",
    "Problem",
    "Scenario",
    "ScenarioError",
    "ServerSettings",
    "load_scenario",
]
