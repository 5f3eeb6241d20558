"""Does not reap the children that it forks, so each stays in the process table as a zombie."""

from labkit.server.children import Children
from labkit.server.program import main
from services.fork_per_connection import server

SETTINGS = server.SETTINGS
REJECTED_BY = "test_processes.test_a_process_that_has_ended_is_reaped"
BECAUSE = r"not within .*: all that have ended are reaped"


def reap(_children: Children, *, wait: bool = False) -> None:
    """Do nothing."""


if __name__ == "__main__":
    setattr(Children, "reap", reap)  # noqa: B010
    main("broken", server.serve, SETTINGS)
