"""The tab is there only if a server is watched, and sends what has changed."""

import json
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from orchestrator.explore.access import HOST
from orchestrator.explore.watch.narration import Said
from orchestrator.explore.watch.tab import commands
from tests.unit.orchestrator.explore.explore_fixtures import DEADLINE_S, Site, explore_site
from tests.unit.orchestrator.explore.watch.watch_fixtures import fake_server


def test_there_is_no_tab_without_a_server(tmp_path: Path) -> None:
    with explore_site(tmp_path) as site:
        assert 'id="watch"' not in site.get("").text
        assert site.get("watch/follow").code == 404


def test_the_tab_is_the_first_and_says_how_to_be_a_client(tmp_path: Path) -> None:
    with explore_site(tmp_path, fake_server()) as site:
        page = site.get("").text
    assert page.index('aria-controls="watch"') < page.index('aria-controls="play"')
    assert 'src="static/watch.js"' in page
    for command in commands(3000):
        assert command.split("|")[-1].strip() in page


def test_whose_port_a_connection_to_a_container_has_is_said(tmp_path: Path) -> None:
    said = "The engine passes each connection on from a port of its own"
    for is_in_container in (True, False):
        with explore_site(tmp_path, fake_server(is_in_container=is_in_container)) as site:
            assert (said in site.get("").text) == is_in_container


def test_a_page_is_sent_the_lanes(tmp_path: Path) -> None:
    server = fake_server(Said("accepted", 1, conn="1.1", port=40_000))
    with explore_site(tmp_path, server) as site:
        first = json.loads(first_line(site))
    assert first["line"] == server.line
    assert "port 40000" in first["scene"]


def first_line(site: Site) -> bytes:
    with closing(HTTPConnection(HOST, site.port, timeout=DEADLINE_S)) as connection:
        connection.request("GET", f"/{site.token}/watch/follow")
        with connection.getresponse() as response:
            return response.readline()
