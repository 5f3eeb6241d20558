"""Relies on the signals that the program which started it has left to it, and hears of no child."""

from labkit.server import program
from labkit.server.program import main
from services.prefork.server import serve

REJECTED_BY = "test_inheritance.test_inherited_signals_do_not_hide_the_end_of_a_worker"
BECAUSE = r"worker_exited"
ARGUMENTS = {"inherited": "SIGCHLD ignored"}

if __name__ == "__main__":
    setattr(program, "set_signals", lambda _handlers: None)  # noqa: B010
    main("broken", serve)
