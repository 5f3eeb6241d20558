"""A reload of workers that are event loops, each with many connections."""

import contextlib
import signal

import pytest

from conformance.server_process import starting

CROWD = 800
"""More connections than the queue between two processes holds, which is about 250."""


@pytest.mark.parametrize("accept", ["shared", "reuseport"])
def test_a_crowd_of_idle_clients_notices_no_reload(accept: str) -> None:
    with starting("services.prefork_epoll.server") as start, contextlib.ExitStack() as stack:
        server = start(LAB_ACCEPT=accept, LAB_BACKLOG="1024")
        crowd = [stack.enter_context(server.connect()) for _ in range(CROWD)]
        server.await_event("accepted", CROWD)
        server.send_signal(signal.SIGHUP)
        server.await_event("reload_ended")
        for client in crowd:
            client.send(b"a sleep=0ms\x03goodbye\x03")
        for client in crowd:
            assert client.read_to_end() == b"ack"
        server.stop()
        assert {event["reason"] for event in server.of("connection_closed")} == {"goodbye"}
        assert server.of("worker_exited")[0]["reason"] == "reload"
