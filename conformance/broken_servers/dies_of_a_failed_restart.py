"""Ends when no process can be had to replace a worker."""

from labkit.server.program import main
from labkit.server.supervisor import Supervisor
from services.prefork import server

REJECTED_BY = "test_defects.test_a_restart_that_fails_is_tried_again_while_the_others_serve"
BECAUSE = r"not within .*: a report"


def fail(_supervisor: Supervisor, _place: object, error: OSError) -> None:
    """Let the error end the parent process."""
    raise error


if __name__ == "__main__":
    setattr(Supervisor, "_postpone", fail)  # noqa: B010
    main("broken", server.serve)
