"""Replicas that exist as connections only: they do all that a conductor sees of one.

They take no CPU time for a load, so that hundreds fit into one process, and send samples of a
stored run.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from client.conductor.member import Peer
from labkit.wire.progress import Pulse
from labkit.wire.wire import MAX_LINE_BYTES
from tests.memory_fixtures import watch_peaks

SECRET = "5ec7e7"  # noqa: S105 of a test
PULSES = 3
STDIN_AND_PIPES = 64


class Conductor(NamedTuple):
    """A running conductor: its process, its address, and its largest resident sets so far."""

    process: "subprocess.Popen[str]"
    address: tuple[str, int]
    peaks_bytes: list[int]

    @property
    def descriptors(self) -> int:
        """How many it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def wait(self) -> resource.struct_rusage:
        """Return what it used, once it has ended well."""
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        assert self.process.returncode == 0
        return used


@contextmanager
def conducting() -> Iterator[Conductor]:
    """Yield a conductor, which ends with its run."""
    settings = {"LAB_CONDUCTOR_HOST": "127.0.0.1", "LAB_CONDUCTOR_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "client/client.py", "conductor"],
        env={**os.environ, **settings, "LAB_RUN_SECRET": SECRET},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as lines:
        try:
            listening = json.loads(lines.readline())
            address = (listening["host"], listening["port"])
            yield Conductor(process, address, watch_peaks(process.pid))
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()


@contextmanager
def descriptors_for(connections: int) -> Iterator[None]:
    """Let this process open so many connections meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, connections + STDIN_AND_PIPES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Start(NamedTuple):
    """When a member received the announcement of the start, and when it woke up for it."""

    announced_ns: int
    start_ns: int
    woke_ns: int


async def play_members(
    address: tuple[str, int], reports: Sequence[Mapping[str, Any]], folder: Path
) -> list[Start]:
    """Play as many members as there are ``reports``, whose samples are in ``folder``."""
    return await asyncio.gather(
        *(_play(address, pid, reports, folder) for pid in range(len(reports)))
    )


async def _play(
    address: tuple[str, int], pid: int, reports: Sequence[Mapping[str, Any]], folder: Path
) -> Start:
    peer = Peer(*await asyncio.open_connection(*address, limit=MAX_LINE_BYTES))
    await peer.send("enrol", secret=SECRET, host="simulated", pid=pid)
    report = reports[(await peer.receive())["replica"]]
    await peer.send("ready")
    start_ns = (await peer.receive())["start_ns"]
    announced_ns = time.monotonic_ns()
    await asyncio.sleep((start_ns - announced_ns) / 1e9)
    woke_ns = time.monotonic_ns()
    for pulse in range(PULSES):
        await peer.send("progress", **vars(Pulse(acked=pulse)))
    await peer.send("over")
    assert (await peer.receive())["type"] == "report"
    tables = [(folder / report[table]).read_bytes() for table in ("samples", "connections")]
    sizes = {"samples_bytes": len(tables[0]), "connections_bytes": len(tables[1])}
    await peer.send("result", tables, **{**report, **sizes, "start_ns": start_ns})
    assert await peer.reader.read() == b""
    await peer.close()
    return Start(announced_ns, start_ns, woke_ns)
