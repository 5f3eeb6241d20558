"""``python -m probe PID PORT [--shared-network]``: a line of JSON for each sample.

The lines are described in docs/results.md. The probe ends when its standard input is closed, which
also happens if the process that started it dies, or when the server has ended.
"""

import json
import select
import sys
import time
from collections.abc import Mapping

from probe.sampler import Sampler, Schedule

QUEUE_EVERY_NS = 100_000_000
SAMPLE_EVERY_NS = 500_000_000
WRITE_EVERY_NS = 1_000_000_000


class Probe:
    """Samples a server, and writes the samples to stdout."""

    def __init__(self, sampler: Sampler, network: str) -> None:
        self._sampler = sampler
        self._conditions = {
            "accept_queue_source": sampler.accept_queue.source,
            "network": network,
        }
        self._queue_samples = Schedule(QUEUE_EVERY_NS)
        self._full_samples = Schedule(SAMPLE_EVERY_NS)
        self._lines: list[str] = []
        self._written_ns = 0
        self._spent_ns = time.process_time_ns()

    def run(self) -> None:
        """Sample until stdin is closed or the server has ended."""
        self._write("begun", self._conditions)
        is_stopped = False
        while not is_stopped and self._step():
            is_stopped = _is_stopped_by(min(self._queue_samples.due_ns, self._full_samples.due_ns))
        is_gone = self._sampler.tree.is_gone
        if not is_gone:
            self._sample_everything()
        reason = "server_gone" if is_gone else "told"
        self._write("ended", {"reason": reason, "unread": self._sampler.unread})
        self._flush()

    def _step(self) -> bool:
        """Take the samples that are due; return whether the server still runs."""
        begun_ns, now_ns = self._spent_ns, time.monotonic_ns()
        is_full_due = now_ns >= self._full_samples.due_ns
        if is_full_due and self._sampler.tree.is_gone:
            return False
        if is_full_due:
            self._sample_everything()
        elif now_ns >= self._queue_samples.due_ns:
            self._sample_queue()
        if now_ns >= self._written_ns + WRITE_EVERY_NS:
            self._flush()
        self._spent_ns = time.process_time_ns()
        schedule = self._full_samples if is_full_due else self._queue_samples
        schedule.postpone(now_ns, self._spent_ns - begun_ns)
        return True

    def _sample_everything(self) -> None:
        self._write("looked", self._sampler.everything())

    def _sample_queue(self) -> None:
        self._write("glanced", self._sampler.queue())

    def _write(self, event: str, fields: Mapping[str, object]) -> None:
        line = {
            "t_ns": time.monotonic_ns(),
            "event": event,
            "probe_cpu_s": time.process_time(),
            **fields,
        }
        self._lines.append(json.dumps(line, separators=(",", ":")) + "\n")

    def _flush(self) -> None:
        sys.stdout.write("".join(self._lines))
        sys.stdout.flush()
        self._lines.clear()
        self._written_ns = time.monotonic_ns()


def _is_stopped_by(due_ns: int) -> bool:
    """Wait until ``due_ns`` or the end of stdin; return whether stdin has ended."""
    wait_s = max(due_ns - time.monotonic_ns(), 0) / 1e9
    readable, _, _ = select.select([sys.stdin], [], [], wait_s)
    return bool(readable)


if __name__ == "__main__":
    pid, port, *options = sys.argv[1:]
    network = "shared" if "--shared-network" in options else "own"
    Probe(Sampler(int(pid), int(port)), network).run()
