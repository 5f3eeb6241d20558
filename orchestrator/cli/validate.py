"""``validate``: check scenario files without running them."""

import argparse
from pathlib import Path

from orchestrator.cli.options import add_settings
from orchestrator.cli.output import print_out, say
from orchestrator.measures.sentences import counted
from orchestrator.results.exit_codes import HOLDS, MISUSED
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import discover_ignored, discover_models
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.yaml_document import ScenarioError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add scenario files and values for their variables."""
    parser.add_argument(
        "scenarios", metavar="SCENARIO", nargs="+", type=Path, help="scenario files (YAML)"
    )
    add_settings(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Print the cases of each file, or all its problems."""
    models, ignored = discover_models(), discover_ignored()
    failed = False
    for path in arguments.scenarios:
        try:
            settings = dict(arguments.settings)
            cases = plan_cases(load_scenario(path, models, settings, ignored=ignored))
        except ScenarioError as exc:
            failed = True
            say(str(exc))
        else:
            print_out(f"{path}: valid, {counted(len(cases), 'cases')}")
            for case in cases:
                print_out(f"  {case.name}")
    return MISUSED if failed else HOLDS
