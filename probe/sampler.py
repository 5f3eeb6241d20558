"""One look at a server after another, each as the fields of a JSON line.

A field that the kernel does not tell is missing from the line, and `Sampler.unread` says why.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from probe.accept_queue import AcceptQueueReader
from probe.proc_text import cpu_cgroup_paths, read_counters, read_throttling
from probe.tree import Tree, read_text

Fields: TypeAlias = dict[str, int | float]
COUNTERS = {
    "listen_overflows": "TcpExt.ListenOverflows",
    "listen_drops": "TcpExt.ListenDrops",
    "retransmits": "Tcp.RetransSegs",
}


class Sampler:
    """Looks at the processes from ``pid`` on and at the listener of ``port``."""

    def __init__(self, pid: int, port: int) -> None:
        self.tree = Tree(pid)
        self.accept_queue = AcceptQueueReader(port)
        self._process = f"/proc/{pid}"
        self._cpu_stat = ""
        self._read: set[str] = set()
        self._unread: dict[str, str] = {}

    def close(self) -> None:
        """Look no more."""
        self.accept_queue.close()

    @property
    def unread(self) -> Mapping[str, str]:
        """Why a group of fields was never told, by the name of the group."""
        return {name: why for name, why in self._unread.items() if name not in self._read}

    def glance(self) -> Fields:
        """Return what may be looked at often: the accept queue."""
        return self._try("accept_queue", self._accept_queue)

    def look(self) -> Fields:
        """Return all that there is to see."""
        return {
            **self.glance(),
            **self._try("counters", self._counters),
            **self._try("usage", self._usage),
            **self._try("descriptors", lambda: {"descriptors": self.tree.descriptors()}),
            **self._try("memory", lambda: {"memory_pss_bytes": self.tree.pss_bytes()}),
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
            return {}  # nobody listens any more
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

    def _throttling(self) -> Fields:
        self._cpu_stat = self._cpu_stat or self._find_cpu_stat()
        told = read_throttling(read_text(self._cpu_stat))
        return {
            "cpu_periods": told.periods,
            "throttled_periods": told.throttled,
            "throttled_s": told.throttled_s,
        }

    def _find_cpu_stat(self) -> str:
        """Return the file of the server's cgroup.

        Raises:
            ValueError: no file tells of throttling.
        """
        for path in cpu_cgroup_paths(read_text(f"{self._process}/cgroup")):
            try:
                read_throttling(read_text(path))
            except (OSError, ValueError):
                continue
            return path
        raise ValueError("no cgroup of the server tells of throttling")
