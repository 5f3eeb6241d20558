"""Who waits in the accept queue of a port, by the kernel."""

import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.explore.watch import accept_queue
from orchestrator.explore.watch.accept_queue import AcceptQueue, table_of, waiting_ports

HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout\n"
)
STATES = tuple(f"{number:02X}" for number in range(1, 13))
REST = "00000000:00000000 00:00000000 00000000"


def table(path: Path, *rows: tuple[int, str, int]) -> Path:
    """Write a table of connections to port 3000, each with its port, its state and its inode."""
    lines = [
        f"   0: 0100007F:0BB8 0100007F:{port:04X} {state} {REST}     0        0 {inode} 1\n"
        for port, state, inode in rows
    ]
    path.write_text(HEAD + "".join(lines))
    return path


def test_a_connection_that_nobody_has_accepted_waits(tmp_path: Path) -> None:
    rows = [(1, "01", 0), (2, "01", 77), (3, "08", 0), (4, "06", 0), (5, "0A", 0), (6, "04", 0)]
    found = table(tmp_path / "tcp", *rows)
    assert waiting_ports(AcceptQueue(3000, found)) == {1, 3}
    assert waiting_ports(AcceptQueue(3001, found)) == frozenset()


def test_without_a_table_none_is_known(tmp_path: Path) -> None:
    assert waiting_ports(AcceptQueue(3000, tmp_path / "none")) == frozenset()


@given(st.lists(st.tuples(st.integers(1, 65_535), st.sampled_from(STATES), st.integers(0, 2))))
def test_every_row_is_read(rows: list[tuple[int, str, int]]) -> None:
    with TemporaryDirectory() as folder:
        found = waiting_ports(AcceptQueue(3000, table(Path(folder) / "tcp", *rows)))
    assert found == {port for port, state, inode in rows if state in ("01", "08") and not inode}


@pytest.mark.skipif(not accept_queue.TABLE.exists(), reason="this system has no proc_net_tcp(5)")
def test_the_kernel_is_understood() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        queue = AcceptQueue(port, table_of(os.getpid()))
        assert waiting_ports(queue) == frozenset()
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert waiting_ports(queue) == {client.getsockname()[1]}
            with listener.accept()[0]:
                assert waiting_ports(queue) == frozenset()
