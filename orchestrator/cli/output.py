"""Prints results on standard output, and everything else on standard error.

Text that is not ours may be part of every line, so each is made printable here, on its way out.
`orchestrator.cli.streams` makes sure that output never ends a command.
"""

import sys

from orchestrator.report.escape import printable, printable_json


def write_out(text: str) -> None:
    """Write the JSON document ``text`` to standard output for a program: UTF-8 in every locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(printable_json(text).encode())
    sys.stdout.buffer.flush()


def print_out(text: str) -> None:
    """Write the lines of ``text`` for a person to standard output."""
    sys.stdout.write(printable(text) + "\n")


def say(text: str) -> None:
    """Write the lines of ``text`` for a person to standard error."""
    sys.stderr.write(printable(text) + "\n")


def say_command(command: str) -> None:
    """Write a workflow command of our own to standard error, for the runner of a CI job."""
    write = getattr(sys.stderr, "write_command", None)
    if write is None:
        sys.stderr.write(command + "\n")
    else:
        write(command)
