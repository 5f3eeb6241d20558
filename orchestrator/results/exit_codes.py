"""The exit codes of ``orchestrate.py``, and the error that carries one.

README.md explains each code; `orchestrator.campaign.verdict` decides that of a campaign, and
`orchestrator.cli.main` returns that of an error. An expected failure is a `LabError`: its message is for a person, and
its class states which code the program ends with. Anything else that is raised is a defect.
"""

HOLDS, FAILS, MISUSED, BROKEN, INVALID, INTERRUPTED = 0, 1, 2, 3, 4, 130


class LabError(Exception):
    """Something that can be expected to go wrong; ``exit_code`` is what the program returns."""

    exit_code = BROKEN
