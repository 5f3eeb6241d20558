"""A run told for a person: a line a step, a word when nothing happens, and a sum at the end."""

import os
import statistics
import sys
import time
from collections.abc import Mapping

from client.recorder import Books
from client.user import Phase, User

PATIENCE_NS = 3_000_000_000
ENDS = {
    None: "the server closed the connection, as asked",
    "refused": "refused: nobody listens there",
    "reset": "the server reset the connection",
    "timed_out": "no answer in time",
    "closed_early": "the server closed the connection before all was acknowledged",
    "bad_reply": "the server answered something else than ack",
    "unreachable": "the server cannot be reached",
    "exhausted": "no local port or descriptor left",
}


class Story:
    """Says each step of each client, with the seconds since the start."""

    def __init__(self, start_ns: int, target: str) -> None:
        self._start_ns = start_ns
        self._said_ns = start_ns
        self._target = target

    def connected(self, user: User) -> None:
        """Tell that a client is connected; nobody may be serving it yet."""
        self._say(user, f"connected to {self._target}")

    def sending(self, user: User, message: bytes) -> None:
        """Tell what a client sends."""
        if user.phase is Phase.LEAVING:
            self._say(user, "all acknowledged; says goodbye")
        else:
            self._say(user, f"sends message {user.message + 1}: {message[:-1].decode('ascii')}")

    def acked(self, user: User, now_ns: int) -> None:
        """Tell how long a client waited for its ack."""
        self._say(
            user, f"ack of message {user.message + 1} after {(now_ns - user.due_ns) / 1e9:.3f} s"
        )

    def left(self, user: User, failure: str | None) -> None:
        """Tell how a client ended."""
        if failure is None and user.phase is not Phase.LEAVING:
            self._say(user, "interrupted")
        else:
            self._say(user, ENDS[failure])

    def remind(self, phases: Mapping[Phase, int]) -> None:
        """Tell what the clients are doing, where nothing was said for a while."""
        if time.monotonic_ns() - self._said_ns >= PATIENCE_NS:
            doing = ", ".join(f"{number} {phase.value}" for phase, number in phases.items())
            self._write(f"... clients: {doing}")

    def _say(self, user: User, text: str) -> None:
        self._write(f"client {user.number + 1}  {text}")

    def _write(self, text: str) -> None:
        self._said_ns = time.monotonic_ns()
        write_line(f"{(self._said_ns - self._start_ns) / 1e9:8.3f} s  {text}")


def tell_sum(books: Books) -> None:
    """Add up, in one or two lines."""
    counts = books.counts
    total = f"{counts['sent']} sent, {counts['acked']} acked, {counts['failed']} failed"
    if counts["in_flight"] or counts["unsent"]:
        total += f", {counts['in_flight']} in flight, {counts['unsent']} never sent"
    kinds = ", ".join(f"{kind} {n}" for kind, n in books.errors.items() if n)
    write_line(f"{total}{'; errors: ' if kinds else ''}{kinds}")
    if times_s := books.response_times_s():
        write_line(
            f"response time: min {min(times_s):.3f} s, median "
            f"{statistics.median(times_s):.3f} s, max {max(times_s):.3f} s"
        )


def write_line(line: str) -> None:
    """Write to stdout; once nobody reads there, go on in silence."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
