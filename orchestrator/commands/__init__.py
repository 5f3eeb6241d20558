"""What ``orchestrate.py`` can be asked to do, a module each, in the order in which help lists them.

A command has a docstring whose first line is its help, ``add_arguments`` and ``execute``, which
returns an exit code of README.md. Whatever several of them do alike is in ``asking`` and
``telling``.
"""

import argparse
from collections.abc import Mapping
from typing import Protocol

from orchestrator.commands import clean, compare, plan, predict, report, run, schema, validate


class Command(Protocol):
    """One module of this package."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Say what the command can be told."""

    def execute(self, asked: argparse.Namespace) -> int:
        """Do it and return the exit code.

        Raises:
            ScenarioError, BackendError, ArchiveError: it cannot be done; the message says why.
        """


COMMANDS: Mapping[str, Command] = {
    "run": run,
    "plan": plan,
    "predict": predict,
    "validate": validate,
    "report": report,
    "analyse": report,  # by what it does, rather than by what it is for
    "compare": compare,
    "clean": clean,
    "schema": schema,
}
