"""Print the JSON Schema of scenarios, for editors."""

import argparse

from orchestrator.commands.telling import write_out
from orchestrator.report.schema import scenario_schema_json
from orchestrator.verdict import HOLDS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach how an editor is told of it."""
    parser.description = (
        "Print the JSON Schema of scenario files (draft 2020-12). Editors with a YAML language "
        "server complete and check a file that begins with: "
        "# yaml-language-server: $schema=../docs/scenario.schema.json"
    )


def execute(_asked: argparse.Namespace) -> int:
    """Print it."""
    write_out(scenario_schema_json())
    return HOLDS
