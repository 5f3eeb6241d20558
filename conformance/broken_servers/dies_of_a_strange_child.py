"""Its parent process takes every child for a worker, and fails when another one ends."""

import resource

from labkit.server.program import main
from labkit.server.service import Service
from services.prefork import server

REJECTED_BY = "test_inheritance.test_a_child_that_it_did_not_start_ends_unnoticed"
BECAUSE = r"Connection refused|reset by peer|KeyError"
ARGUMENTS = {"signals": 1}


def fail(_service: Service, _usage: resource.struct_rusage) -> None:
    """Fail as a look-up of the child among the workers does."""
    raise KeyError


if __name__ == "__main__":
    setattr(Service, "exclude_cpu_times", fail)  # noqa: B010
    main("broken", server.serve)
