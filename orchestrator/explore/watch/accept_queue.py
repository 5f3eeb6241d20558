"""Which connections to a port of this machine no server has accepted yet; proc_net_tcp(5).

The event log cannot know them. A connection in the accept queue belongs to no process: its inode is
0. Of one that a server has closed, it is 0 as well, but its state then is another.
"""

from pathlib import Path

TABLE = Path("/proc/net/tcp")
ESTABLISHED, CLOSE_WAIT = "01", "08"
"""Of a connection that waits: its client is there, or has left already."""

_LOCAL, _REMOTE, _STATE, _INODE = 1, 2, 3, 9


def waiting_ports(port: int, table: Path = TABLE) -> frozenset[int]:
    """Return the clients' ports of the connections to ``port`` that wait in its accept queue.

    None are known if the kernel's table cannot be read.
    """
    try:
        lines = table.read_text(encoding="ascii").splitlines()
    except OSError:
        return frozenset()
    rows = (line.split() for line in lines if f":{port:04X} " in line)
    return frozenset(_port(row[_REMOTE]) for row in rows if _waits(row, port))


def _waits(row: list[str], port: int) -> bool:
    is_unowned = row[_STATE] in (ESTABLISHED, CLOSE_WAIT) and row[_INODE] == "0"
    return is_unowned and _port(row[_LOCAL]) == port


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
