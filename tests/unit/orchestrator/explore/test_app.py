"""The page has its tabs, each with its part and its script, and loads nothing else."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.explore.app import TABS
from orchestrator.explore.rendering import STATIC
from orchestrator.explore.watch import tab as watch_tab
from tests.unit.orchestrator.explore.explore_fixtures import Site, explore_site
from tests.unit.orchestrator.explore.watch.watch_fixtures import fake_server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with explore_site(tmp_path, fake_server()) as found:
        yield found


def test_the_page_has_every_tab(site: Site) -> None:
    page = site.get("").text
    for tab in (watch_tab.TAB, *TABS):
        assert f'aria-controls="{tab.name}"' in page
        assert f'<section role="tabpanel" id="{tab.name}"' in page
        assert f'src="static/{tab.name}.js"' in page


def test_everything_that_the_page_names_is_there(site: Site) -> None:
    page = site.get("").text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) >= 5 + len(TABS)
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    for path in loaded:
        answer = site.get(path)
        assert answer.code == 200, path
        assert answer.headers["content-type"].startswith(types[Path(path).suffix])


def test_no_markup_has_script_or_style_of_its_own(site: Site) -> None:
    """The policy would stop it, with an error in the console."""
    page = site.get("").text
    assert re.search(r"<style|<script(?! type=\"module\" src=)|\sstyle=|\son\w+=", page) is None


def test_the_scripts_write_no_markup() -> None:
    scripts = {path.name: path.read_text(encoding="utf-8") for path in STATIC.glob("*.js")}
    assert scripts
    for name, text in scripts.items():
        assert re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(", text) is None, name


@pytest.mark.parametrize("path", ["none", "static/none.js", "static/../app.py", "past_runs/none"])
def test_what_is_not_there_is_not_found(site: Site, path: str) -> None:
    assert site.get(path).code == 404


def test_the_address_without_its_last_slash_leads_to_the_page(site: Site) -> None:
    answer = site.ask(f"/{site.token}")
    assert answer.headers["location"] == f"http://{site.host}/{site.token}/"
