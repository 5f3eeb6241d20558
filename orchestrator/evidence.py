"""All that is known of one case, before anything is concluded from it."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.collect import ClientRun, ServerLog


@dataclass(frozen=True)
class Evidence:
    """All that is known of one case.

    ``inputs`` are its configured measures by name; the exit codes are those of the programs.
    """

    inputs: Mapping[str, float]
    clients: ClientRun
    log: ServerLog
    server_exit_code: int
