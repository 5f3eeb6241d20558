"""Which connections to a port of this machine no server has accepted yet; proc_net_tcp(5).

The event log cannot know them. A connection in the accept queue belongs to no process: its inode is
0. Of one that a server has closed, it is 0 as well, but its state then is another.
"""

from pathlib import Path
from typing import NamedTuple

TABLE = Path("/proc/net/tcp")
ESTABLISHED, CLOSE_WAIT = "01", "08"
"""Of a connection that waits: its client is there, or has left already."""

_LOCAL, _REMOTE, _STATE, _INODE = 1, 2, 3, 9


class AcceptQueue(NamedTuple):
    """The queue of the server that listens on ``port``, in the ``table`` of its network."""

    port: int
    table: Path = TABLE


def table_of(pid: int) -> Path:
    """Return the table of the network that the process ``pid`` has."""
    return Path(f"/proc/{pid}/net/tcp")


def waiting_ports(queue: AcceptQueue) -> frozenset[int]:
    """Return the clients' ports of the connections that wait in ``queue``.

    None are known if the kernel's table cannot be read.
    """
    port = queue.port
    try:
        lines = queue.table.read_text(encoding="ascii").splitlines()
    except OSError:
        return frozenset()
    rows = (line.split() for line in lines if f":{port:04X} " in line)
    return frozenset(_port(row[_REMOTE]) for row in rows if _waits(row, port))


def _waits(row: list[str], port: int) -> bool:
    is_unowned = row[_STATE] in (ESTABLISHED, CLOSE_WAIT) and row[_INODE] == "0"
    return is_unowned and _port(row[_LOCAL]) == port


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
