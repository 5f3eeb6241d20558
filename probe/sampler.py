"""Samples of a server, each as the fields of a JSON line, and the schedule of samples.

A field that cannot be read is missing from the line, and `Sampler.unread` has the reason.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from probe.accept_queue import AcceptQueueReader
from probe.proc_text import cpu_cgroup_paths, read_counters, read_throttling
from probe.process_tree import Tree, read_text

Fields: TypeAlias = dict[str, int | float]
COUNTERS = {
    "listen_overflows": "TcpExt.ListenOverflows",
    "listen_drops": "TcpExt.ListenDrops",
    "retransmits": "Tcp.RetransSegs",
}
CPU_SHARE = 0.004
"""Of a core, for each kind of sample: the two kinds together use less than a percent."""


class Schedule:
    """When samples of one kind are due, in ns; the first is due at once.

    The interval grows if a sample costs more than its share of a core.
    """

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self.due_ns = 0

    def postpone(self, now_ns: int, cost_ns: int) -> None:
        """Schedule the next sample, after one at ``now_ns`` took ``cost_ns`` of CPU time."""
        self.due_ns = now_ns + max(self._every_ns, round(cost_ns / CPU_SHARE))


class Sampler:
    """Samples the process tree of ``pid`` and the accept queue of ``port``."""

    def __init__(self, pid: int, port: int) -> None:
        self.tree = Tree(pid)
        self.accept_queue = AcceptQueueReader(port)
        self._process = f"/proc/{pid}"
        self._cpu_stat = ""
        self._read: set[str] = set()
        self._unread: dict[str, str] = {}

    def close(self) -> None:
        """Release the socket."""
        self.accept_queue.close()

    @property
    def unread(self) -> Mapping[str, str]:
        """Why a group of fields was never read, by the name of the group."""
        return {name: why for name, why in self._unread.items() if name not in self._read}

    def queue(self) -> Fields:
        """Return the accept queue, which is cheap to read often."""
        return self._try("accept_queue", self._accept_queue)

    def everything(self) -> Fields:
        """Return all fields."""
        return {
            **self.queue(),
            **self._try("counters", self._counters),
            **self._try("usage", self._usage),
            **self._try("run_delay", lambda: {"run_delay_s": self.tree.run_delay_s()}),
            **self._try("descriptors", lambda: {"descriptors": self.tree.descriptors()}),
            **self._try("memory", self._memory),
            **self._try("throttling", self._throttling),
        }

    def _try(self, group: str, read: Callable[[], Fields]) -> Fields:
        try:
            fields = read()
        except (OSError, ValueError, KeyError) as exc:
            self._unread[group] = str(exc)
            return {}
        self._read.add(group)
        return fields

    def _accept_queue(self) -> Fields:
        queue = self.accept_queue.read()
        if queue is None:
            return {}  # the port has no listener
        limit: Fields = {} if queue.limit is None else {"accept_queue_limit": queue.limit}
        return {"accept_queue": queue.length, **limit}

    def _counters(self) -> Fields:
        network = f"{self._process}/net"
        counters = read_counters(read_text(f"{network}/netstat"))
        counters |= read_counters(read_text(f"{network}/snmp"))
        return {field: counters[name] for field, name in COUNTERS.items()}

    def _usage(self) -> Fields:
        usage = self.tree.usage()
        return {
            "cpu_user_s": usage.user_s,
            "cpu_system_s": usage.system_s,
            "context_switches_voluntary": usage.voluntary,
            "context_switches_involuntary": usage.involuntary,
            "processes": usage.processes,
            "threads": usage.threads,
        }

    def _memory(self) -> Fields:
        memory = self.tree.memory()
        return {
            "memory_pss_bytes": memory.pss_bytes,
            "memory_anonymous_bytes": memory.anonymous_bytes,
        }

    def _throttling(self) -> Fields:
        self._cpu_stat = self._cpu_stat or self._find_cpu_stat()
        throttling = read_throttling(read_text(self._cpu_stat))
        return {
            "cpu_periods": throttling.periods,
            "throttled_periods": throttling.throttled,
            "throttled_s": throttling.throttled_s,
        }

    def _find_cpu_stat(self) -> str:
        """Return the path of ``cpu.stat`` in the server's cgroup.

        Raises:
            ValueError: no such file reports throttling.
        """
        for path in cpu_cgroup_paths(read_text(f"{self._process}/cgroup")):
            try:
                read_throttling(read_text(path))
            except (OSError, ValueError):
                continue
            return path
        raise ValueError("no cgroup of the server reports throttling")
