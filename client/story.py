"""A run told for a person: one line a step, and a closing word."""

import os
import statistics
import sys
import time

from client.books import Books
from client.user import Phase, User

ENDS = {
    None: "the server closed the connection, as asked",
    "refused": "refused: nobody listens there",
    "reset": "the server reset the connection",
    "timed_out": "no answer in time",
    "closed_early": "the server closed the connection before all was acknowledged",
    "bad_reply": "the server answered something else than ack",
    "unreachable": "the server cannot be reached",
}


class Story:
    """Says each step of each client, with the seconds since the start."""

    def __init__(self, start_ns: int, target: str, *, quiet: bool = False) -> None:
        self._start_ns = start_ns
        self._target = target
        self._quiet = quiet
        self._response_times_s: list[float] = []

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
        self._response_times_s.append((now_ns - user.due_ns) / 1e9)
        self._say(
            user, f"ack of message {user.message + 1} after {self._response_times_s[-1]:.3f} s"
        )

    def left(self, user: User, failure: str | None) -> None:
        """Tell how a client ended."""
        if failure is None and user.phase is not Phase.LEAVING:
            self._say(user, "interrupted")
        else:
            self._say(user, ENDS[failure])

    def close(self, books: Books) -> None:
        """Add up, in one or two lines."""
        counts = books.counts
        total = f"{counts['sent']} sent, {counts['acked']} acked, {counts['failed']} failed"
        if counts["in_flight"] or counts["unsent"]:
            total += f", {counts['in_flight']} in flight, {counts['unsent']} never sent"
        kinds = ", ".join(f"{kind} {n}" for kind, n in books.errors.items() if n)
        _write(f"{total}{'; errors: ' if kinds else ''}{kinds}")
        if times_s := self._response_times_s:
            _write(
                f"response time: min {min(times_s):.3f} s, median "
                f"{statistics.median(times_s):.3f} s, max {max(times_s):.3f} s"
            )

    def _say(self, user: User, text: str) -> None:
        if not self._quiet:
            elapsed_s = (time.monotonic_ns() - self._start_ns) / 1e9
            _write(f"{elapsed_s:8.3f} s  client {user.number + 1}  {text}")


def _write(line: str) -> None:
    """Say a line; where nobody reads any more, as behind ``| head``, say nothing from then on."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
