"""``orchestrate.py``: from a command line to an exit code; never a traceback for misuse."""

import sys
from collections.abc import Sequence

from orchestrator import interrupts
from orchestrator.archive import ArchiveError
from orchestrator.arguments import parse_arguments
from orchestrator.backends.base import BackendError
from orchestrator.commands import COMMANDS
from orchestrator.commands.telling import say
from orchestrator.scenario import ScenarioError
from orchestrator.verdict import BROKEN, INTERRUPTED, MISUSED


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Do what was asked and return the exit code of README.md."""
    interrupts.install()
    try:
        asked = parse_arguments(arguments)
        return COMMANDS[asked.command].execute(asked)
    except ScenarioError as exc:
        say(str(exc))
        return MISUSED
    except (BackendError, ArchiveError) as exc:
        say(f"orchestrate.py: {exc}")
        return BROKEN
    except KeyboardInterrupt:
        say(f"orchestrate.py: interrupted by {interrupts.signal_name()}")
        return INTERRUPTED
