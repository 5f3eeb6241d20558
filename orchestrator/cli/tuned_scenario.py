"""Loads a scenario with the think times that the twin finds; `validate` needs no twin for that."""

import argparse

from orchestrator.cli.options import read_scenario
from orchestrator.execution.cpus import Cpus
from orchestrator.scenario.fields import RUN_LOAD, MaxLoad
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.tuning import tuned


def read_tuned_scenario(arguments: argparse.Namespace, max_load: MaxLoad = RUN_LOAD) -> Scenario:
    """Load the scenario as `read_scenario` does, and find the think times that are to be tuned.

    For the CPUs of ``arguments``, if they have such an option, else for those of this machine.

    Raises:
        ScenarioError: with every problem of the file.
        TuningError: a case has no twin, or no think time gives the utilization.
    """
    return with_think_times(read_scenario(arguments, max_load), getattr(arguments, "cpus", None))


def with_think_times(scenario: Scenario, cpus: float | None = None) -> Scenario:
    """Return ``scenario`` with the think times that are to be tuned, for ``cpus`` or all here.

    Raises:
        TuningError: a case has no twin, or no think time gives the utilization.
    """
    return tuned(scenario, discover_twins(), cpus or Cpus.of_this_process().usable)
