"""Connections that send no byte: how many the kernel establishes, and that all end."""

import json
import os
import socket
import sys
import time
from io import StringIO

import pytest

from client import idle_connections
from client.idle_connections import ON_LINE, main


def established_at(port: int, number: int, capsys: pytest.CaptureFixture[str]) -> int:
    begin_ns = time.monotonic_ns() + 1_000_000
    assert main([f"127.0.0.1:{port}", str(number), str(begin_ns), "0"]) == 0
    started, settled = map(json.loads, capsys.readouterr().out.splitlines())
    assert started == {"pid": os.getpid()}
    assert settled["t_ns"] >= begin_ns
    assert settled["refused"] in {0, number}
    count = settled["established"]
    assert isinstance(count, int)
    return count


def test_all_are_established_while_there_is_room(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listener:
        assert established_at(listener.getsockname()[1], 5, capsys) == 5
        listener.settimeout(20.0)
        for _ in range(5):
            with listener.accept()[0] as conn:
                assert conn.recv(1) == b""  # no byte was sent, and the program has closed it


def test_they_are_opened_when_a_line_comes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO("begin\n"))
    with socket.create_server(("127.0.0.1", 0), backlog=20) as listener:
        port = listener.getsockname()[1]
        assert main([f"127.0.0.1:{port}", "2", ON_LINE, "0"]) == 0
    assert sys.stdin.read() == ""
    assert json.loads(capsys.readouterr().out.splitlines()[1])["established"] == 2


def test_a_full_backlog_takes_no_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle_connections, "SETTLED_S", 0.005)
    with socket.create_server(("127.0.0.1", 0), backlog=2) as listener:
        # An accept queue holds one more than its backlog.
        assert established_at(listener.getsockname()[1], 6, capsys) == 3


def test_if_no_server_listens_none_is_established(
    capsys: pytest.CaptureFixture[str], refusing_address: tuple[str, int]
) -> None:
    assert established_at(refusing_address[1], 3, capsys) == 0
