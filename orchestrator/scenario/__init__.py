"""Scenario files: read, checked as a whole, and turned into a value that the rest relies on."""

from orchestrator.scenario.groups import Group
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.matrix import AxisValue
from orchestrator.scenario.problems import Problem, ScenarioError
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.sections import Limits, ServerSettings
from orchestrator.scenario.subjects import EVERY_MODEL
from orchestrator.scenario.target import Target

__all__ = [
    "EVERY_MODEL",
    "AxisValue",
    "Group",
    "Limits",
    "Problem",
    "Scenario",
    "ScenarioError",
    "ServerSettings",
    "Target",
    "load_scenario",
]
