"""The proxy as a process: signals and exit codes."""

import socket

import pytest

from tests.unit.faultproxy.proxy_fixtures import running_proxy, start, toxic


def test_sigterm_ends_it_at_once_and_it_logs_the_counts() -> None:
    with running_proxy([toxic("latency", latency="60s")]) as proxy:
        control = socket.create_connection(("127.0.0.1", proxy.control_port))
        with control, proxy.connection() as (client, server):
            client.sendall(b"hello\x03")
            server.recv(100)
            server.sendall(b"never arrives")
            stopped = proxy.stop()[-1]
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        assert stopped["event"] == "stopped"
        assert stopped["counts"] == {"connections": 1, "upstream_bytes": 6}


def test_each_invalid_variable_is_one_line_and_exit_code_2() -> None:
    process = start({"LAB_PROXY_PORT": "many"})
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert [line.split(":")[1].strip() for line in err.splitlines()] == [
        "LAB_PROXY_PORT",
        "LAB_PROXY_TARGET",
    ]


def test_a_port_in_use_is_one_line_and_exit_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        process = start({"LAB_PROXY_TARGET": "localhost:1", "LAB_PROXY_PORT": port,
                         "LAB_PROXY_CONTROL_PORT": "0"})  # fmt: skip
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith("faultproxy: cannot listen")
