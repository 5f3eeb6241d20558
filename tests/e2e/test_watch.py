"""``explore --watch`` as a user starts and ends it, with clients of its server."""

import json
import os
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import ExitStack, closing
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

import pytest

from labkit.protocol.framing import ETX
from orchestrator.execution.program_log import wait_for
from orchestrator.scenario.models import ROOT
from tests.e2e.lab_fixtures import DEADLINE_S, Lab
from tests.e2e.test_explore import Page, served

pytestmark = [pytest.mark.together, pytest.mark.slow]

CLASS_DEADLINE_S = 90.0
"""Of thirty programs that start at once, on a busy machine."""


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


def end(lab: Lab, page: Page, signum: signal.Signals) -> None:
    """End the program, and return once none of its own is left."""
    page.process.send_signal(signum)
    page.process.communicate(timeout=DEADLINE_S)
    assert page.process.returncode == (0 if signum == signal.SIGINT else -signum)
    assert wait_for(lambda: not lab.left_processes(), DEADLINE_S)


def assert_the_lanes_appear_and_nothing_stays(
    lab: Lab, signum: signal.Signals, backend: str
) -> None:
    words = ("--watch", "prefork", "--backend", backend)
    with served(lab, *words) as page, ExitStack() as clients:
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
        end(lab, page, signum)
    assert not lab.out.exists()


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_the_lanes_of_the_server_appear_and_nothing_of_it_stays(
    lab: Lab, signum: signal.Signals
) -> None:
    assert_the_lanes_appear_and_nothing_stays(lab, signum, "process")


@pytest.mark.docker
@pytest.mark.usefixtures("only_long")
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_so_do_those_of_a_container(lab: Lab, signum: signal.Signals) -> None:
    assert_the_lanes_appear_and_nothing_stays(lab, signum, "docker")
    assert "would remove" not in lab.orchestrate("clean", "--dry-run").out


@pytest.mark.docker
@pytest.mark.usefixtures("only_long")
def test_a_container_that_is_killed_with_its_keeper_is_cleaned(lab: Lab) -> None:
    with served(lab, "--watch", "prefork", "--backend", "docker") as page:
        port_of(page)
        pid = page.process.pid
        (keeper,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        os.kill(int(keeper), signal.SIGKILL)
        page.process.kill()
        page.process.communicate(timeout=DEADLINE_S)
    assert "would remove" in lab.orchestrate("clean", "--dry-run").out
    lab.orchestrate("clean")
    assert "would remove" not in lab.orchestrate("clean", "--dry-run").out


@pytest.mark.usefixtures("only_long")
@pytest.mark.parametrize("backend", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_class_of_thirty_is_served_and_drawn(lab: Lab, backend: str) -> None:
    with served(lab, "--watch", "threaded", "--backend", backend) as page, ExitStack() as running:
        port = port_of(page)
        words = [sys.executable, str(ROOT / "client/client.py"), "1", "--demand", "sleep=200ms"]
        address = f"127.0.0.1:{port}"
        clients = [
            running.enter_context(Popen([*words, "--target", address], stdout=DEVNULL))
            for _ in range(30)
        ]
        assert [each.wait(CLASS_DEADLINE_S) for each in clients] == [0] * 30
        with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as nc:
            nc.sendall(b"anna sleep=10ms" + ETX + b"goodbye" + ETX)
            assert nc.makefile("rb").read() == b"ack"
        await_all(
            page,
            ">worker 5</text>",
            "<dt>connections so far</dt><dd>31</dd>",
            "<dt>connections open</dt><dd>0</dd>",
        )
        end(lab, page, signal.SIGINT)
