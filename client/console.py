"""The console output of a plain client: a line per step, and a summary at the end."""

import os
import statistics
import sys
import time
from collections.abc import Mapping

from client.recorder import Recorder
from client.user import Phase, User

PATIENCE_NS = 3_000_000_000
ENDS = {
    None: "the server closed the connection, as asked",
    "refused": "refused: no server listens there",
    "reset": "the server reset the connection",
    "timed_out": "no answer in time",
    "closed_early": "the server closed the connection before all was acknowledged",
    "bad_reply": "the server answered something other than ack",
    "unreachable": "the server cannot be reached",
    "surplus_reply": "the server sent more than one ack for a message",
    "exhausted": "no local port or descriptor left",
}


class Console:
    """Prints each step of each client, with the seconds since the start."""

    def __init__(self, start_ns: int, target: str) -> None:
        self._start_ns = start_ns
        self._printed_ns = start_ns
        self._target = target

    def report_replica(self, number: int, container: str) -> None:
        """Print the replica number that this client has by the name of its container."""
        self._print(f"replica {number}: messages begin with r{number} (container {container})")

    def report_connected(self, user: User) -> None:
        """Print that a client is connected; a worker may not have accepted it yet."""
        self._print_step(user, f"connected to {self._target}")

    def report_sending(self, user: User, message: bytes) -> None:
        """Print what a client sends."""
        if user.phase is Phase.LEAVING:
            self._print_step(user, "all acknowledged; says goodbye")
        else:
            text = message[:-1].decode("ascii")
            self._print_step(user, f"sends message {user.message + 1}: {text}")

    def report_ack(self, user: User, now_ns: int) -> None:
        """Print how long a client waited for its ack."""
        waited_s = (now_ns - user.due_ns) / 1e9
        self._print_step(user, f"ack of message {user.message + 1} after {waited_s:.3f} s")

    def report_closed(self, user: User, failure: str | None) -> None:
        """Print how a client's connection ended."""
        if failure is None and user.phase is not Phase.LEAVING:
            self._print_step(user, "interrupted")
        else:
            self._print_step(user, ENDS[failure])

    def report_waiting(self, phases: Mapping[Phase, int]) -> None:
        """Print what the clients are doing, if nothing was printed for a while."""
        if time.monotonic_ns() - self._printed_ns >= PATIENCE_NS:
            doing = ", ".join(f"{number} {phase.value}" for phase, number in phases.items())
            self._print(f"... clients: {doing}")

    def _print_step(self, user: User, text: str) -> None:
        self._print(f"client {user.number + 1}  {text}")

    def _print(self, text: str) -> None:
        self._printed_ns = time.monotonic_ns()
        write_line(f"{(self._printed_ns - self._start_ns) / 1e9:8.3f} s  {text}")


def print_summary(recorder: Recorder) -> None:
    """Print the counts, and the response times if there are any."""
    counts = recorder.counts
    total = f"{counts['sent']} sent, {counts['acked']} acked, {counts['failed']} failed"
    if counts["in_flight"] or counts["unsent"]:
        total += f", {counts['in_flight']} in flight, {counts['unsent']} never sent"
    kinds = ", ".join(f"{kind} {n}" for kind, n in recorder.errors.items() if n)
    write_line(f"{total}{'; errors: ' if kinds else ''}{kinds}")
    if times_s := recorder.response_times_s():
        write_line(
            f"response time: min {min(times_s):.3f} s, median "
            f"{statistics.median(times_s):.3f} s, max {max(times_s):.3f} s"
        )


def write_line(line: str) -> None:
    """Write a line to stdout; discard the output once its reader is gone."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
