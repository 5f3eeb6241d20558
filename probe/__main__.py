"""``python -m probe PID PORT [--shared-network]``: a line of JSON a look, until stdin ends.

The lines are described in docs/results.md. Whoever started it closes its standard input to end
it, and so does that one's death.
"""

import json
import select
import sys
import time
from collections.abc import Mapping

from probe.rhythm import Rhythm
from probe.sampler import Sampler

GLANCE_EVERY_NS = 100_000_000
LOOK_EVERY_NS = 500_000_000
WRITE_EVERY_NS = 1_000_000_000


class Probe:
    """Looks at a server and writes down what it sees."""

    def __init__(self, sampler: Sampler, network: str) -> None:
        self._sampler = sampler
        self._circumstances = {
            "accept_queue_source": sampler.accept_queue.source,
            "network": network,
        }
        self._glances = Rhythm(GLANCE_EVERY_NS)
        self._looks = Rhythm(LOOK_EVERY_NS)
        self._lines: list[str] = []
        self._written_ns = 0
        self._spent_ns = time.process_time_ns()

    def run(self) -> None:
        """Go on until it is told to end, or the server has ended."""
        self._write("begun", self._circumstances)
        is_told = False
        while not is_told and self._step():
            is_told = _is_told_to_end(min(self._glances.due_ns, self._looks.due_ns))
        is_gone = self._sampler.tree.is_gone
        if not is_gone:
            self._look()
        reason = "server_gone" if is_gone else "told"
        self._write("ended", {"reason": reason, "unread": self._sampler.unread})
        self._flush()

    def _step(self) -> bool:
        """Do what is due; tell whether the server is still there."""
        begun_ns, now_ns = self._spent_ns, time.monotonic_ns()
        is_look = now_ns >= self._looks.due_ns
        if is_look and self._sampler.tree.is_gone:
            return False
        if is_look:
            self._look()
        elif now_ns >= self._glances.due_ns:
            self._glance()
        if now_ns >= self._written_ns + WRITE_EVERY_NS:
            self._flush()
        self._spent_ns = time.process_time_ns()
        rhythm = self._looks if is_look else self._glances
        rhythm.put_off(now_ns, self._spent_ns - begun_ns)
        return True

    def _look(self) -> None:
        self._write("looked", self._sampler.look())

    def _glance(self) -> None:
        self._write("glanced", self._sampler.glance())

    def _write(self, event: str, fields: Mapping[str, object]) -> None:
        told = {
            "t_ns": time.monotonic_ns(),
            "event": event,
            "probe_cpu_s": time.process_time(),
            **fields,
        }
        self._lines.append(json.dumps(told, separators=(",", ":")) + "\n")

    def _flush(self) -> None:
        sys.stdout.write("".join(self._lines))
        sys.stdout.flush()
        self._lines.clear()
        self._written_ns = time.monotonic_ns()


def _is_told_to_end(due_ns: int) -> bool:
    """Wait until ``due_ns``, or for the end of stdin; tell whether that has come."""
    wait_s = max(due_ns - time.monotonic_ns(), 0) / 1e9
    readable, _, _ = select.select([sys.stdin], [], [], wait_s)
    return bool(readable)


if __name__ == "__main__":
    pid, port, *options = sys.argv[1:]
    network = "shared" if "--shared-network" in options else "own"
    Probe(Sampler(int(pid), int(port)), network).run()
