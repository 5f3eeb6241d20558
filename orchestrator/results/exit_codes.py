"""The exit codes of ``orchestrate.py``, and the error that carries one.

README.md explains each code; `orchestrator.campaign.verdict` decides that of a campaign, and
`orchestrator.cli.main` returns that of an error. An expected failure is a `LabError`: its message
is for a person, and its class states the exit code of the program. Any other exception is a defect.
"""

HOLDS, FAILS, MISUSED, BROKEN, INVALID, INTERRUPTED = 0, 1, 2, 3, 4, 130


class LabError(Exception):
    """A failure that can be expected; ``exit_code`` is what the program returns.

    ``has_position``: the message begins with ``file:line:column``, so that the program's name is
    not printed before it.
    """

    exit_code = BROKEN
    has_position = False


class MisuseError(LabError):
    """The command line names something that does not exist or cannot be done."""

    exit_code = MISUSED
