"""The figures that a client of the bench prints at its end."""

import json
import resource
import sys
import time


def used_cpu_s() -> float:
    """Return the CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Account:
    """The time a load takes, from the making of this to `say`."""

    def __init__(self) -> None:
        self.begun_ns = time.monotonic_ns()
        self._begun_cpu_s = used_cpu_s()

    def say(self, messages: int, failed: int = 0) -> None:
        """Print how many messages were acknowledged in which time, and the share computed."""
        seconds = (time.monotonic_ns() - self.begun_ns) / 1e9
        busy = (used_cpu_s() - self._begun_cpu_s) / seconds
        figures = {"messages": messages, "seconds": seconds, "failed": failed, "busy": busy}
        sys.stdout.write(json.dumps(figures) + "\n")
