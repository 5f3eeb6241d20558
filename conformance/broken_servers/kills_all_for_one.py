"""Stops all children when one of them dies, and other clients lose their connections."""

import signal

from labkit.server.children import Children
from labkit.server.program import main
from services.fork_per_connection import server

SETTINGS = server.SETTINGS
REJECTED_BY = "test_processes.test_a_killed_process_of_one_connection_takes_nothing_else_with_it"
BECAUSE = r"Broken pipe|reset by peer|assert b'' == b'ack'|not within"

reap_one = Children.reap


def reap(children: Children, *, wait: bool = False) -> None:
    """Reap, and kill those that still run if one has ended."""
    running = len(getattr(children, "_running"))  # noqa: B009
    reap_one(children, wait=wait)
    if len(getattr(children, "_running")) < running:  # noqa: B009
        children.send_signal(signal.SIGKILL)


if __name__ == "__main__":
    setattr(Children, "reap", reap)  # noqa: B010
    main("broken", server.serve, SETTINGS)
