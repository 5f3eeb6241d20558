"""The tab Watch in a real browser, with a server that this test drives."""

import socket
from contextlib import closing
from pathlib import Path

import pytest

from labkit.protocol.framing import ETX
from orchestrator.explore.access import HOST
from orchestrator.explore.watch.server import WatchedServer
from tests.e2e.browser.conftest import NARROW, Viewer
from tests.unit.orchestrator.explore.explore_fixtures import explore_site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.together]

OVERLAPS = Path(__file__).with_name("overlaps.js").read_text(encoding="utf-8")

COUNT_UPDATES = """() => {
  const parse = JSON.parse;
  window.updates = 0;
  JSON.parse = (text) => { window.updates += 1; return parse(text); };
}"""


def test_the_lanes_are_drawn_as_messages_come_until_they_are_held(
    viewer: Viewer, tmp_path: Path
) -> None:
    with closing(WatchedServer("prefork")) as server, explore_site(tmp_path, server) as site:
        opened = viewer.visit(f"http://{HOST}:{site.port}/{site.token}/", NARROW, "dark")
        page = opened.page
        page.wait_for_selector("#watch >> text=No connection yet")
        with socket.create_connection((HOST, server.port)) as client:
            client.sendall(b"hello sleep=50s" + ETX)
            page.wait_for_selector("#watch td >> text=in service: hello")
            assert page.locator("#watch .lanes path.service").count() == 2
            assert page.evaluate("document.documentElement.scrollWidth") == NARROW
            assert page.evaluate(OVERLAPS) == []
            page.focus("#watch [data-hold]")
            page.keyboard.press("Space")
        page.evaluate(COUNT_UPDATES)
        with socket.create_connection((HOST, server.port)) as client:
            client.sendall(b"second sleep=1ms" + ETX)
            assert client.recv(3) == b"ack"
            sent = page.evaluate("updates")
            page.wait_for_function("sent => updates > sent + 1", arg=sent)
            assert page.locator("#watch tbody tr").count() == 1
            page.keyboard.press("Space")
            assert page.locator("#watch tbody tr").count() == 2
        assert opened.console == []
