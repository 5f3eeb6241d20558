"""``explore --watch`` as a user starts and ends it, with clients of its server."""

import json
import signal
import socket
from collections.abc import Generator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from labkit.protocol.framing import ETX
from orchestrator.execution.program_log import wait_for
from tests.e2e.lab_fixtures import DEADLINE_S, Lab
from tests.e2e.test_explore import Page, served

pytestmark = [pytest.mark.together, pytest.mark.slow]


def port_of(page: Page) -> int:
    """Return the port of the server, by the line after the address of the page."""
    assert page.process.stdout is not None
    return int(page.process.stdout.readline().rpartition(":")[2])


def scenes(page: Page) -> Generator[str, None, None]:
    """Yield what the page is sent."""
    with page.asked("watch/follow") as response:
        for line in response:
            values: dict[str, Any] = json.loads(line)
            assert "listens on" in values["line"]
            yield values["scene"]


def await_all(page: Page, *wanted: str) -> None:
    """Return once the page is sent all of ``wanted`` at the same time."""
    with closing(scenes(page)) as following:
        assert any(all(each in scene for each in wanted) for scene in following)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_the_lanes_of_the_server_appear_and_nothing_of_it_stays(
    lab: Lab, signum: signal.Signals
) -> None:
    with served(lab, "--watch", "prefork") as page, ExitStack() as clients:
        port = port_of(page)
        for number in range(6):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
            client.settimeout(DEADLINE_S)
            client.sendall(b"first%d sleep=10ms" % number + ETX)
            if number < 5:
                assert client.recv(3) == b"ack"
                client.sendall(b"second%d sleep=50s" % number + ETX)
        await_all(
            page,
            'class="service k5"',
            ">worker 5</text>",
            "in service: second4",
            "waits to be accepted",
            "<dt>waiting to be accepted</dt><dd>1</dd>",
            "<dt>messages in service</dt><dd>5</dd>",
            "<dt>messages acked so far</dt><dd>5</dd>",
        )
        page.process.send_signal(signum)
        page.process.communicate(timeout=DEADLINE_S)
    assert page.process.returncode == (0 if signum == signal.SIGINT else -signum)
    assert wait_for(lambda: not lab.left_processes(), DEADLINE_S)
    assert not lab.out.exists()
