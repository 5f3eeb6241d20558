"""Relies on the signals that the program which started it has left to it."""

from labkit.server import program
from labkit.server.program import main
from services.single.server import serve

REJECTED_BY = "test_inheritance.test_inherited_signals_do_not_keep_it_from_stopping"
BECAUSE = r"the server did not exit"
ARGUMENTS = {"inherited": "all blocked", "signum": 15}

if __name__ == "__main__":
    setattr(program, "set_signals", lambda _handlers: None)  # noqa: B010
    main("broken", serve)
