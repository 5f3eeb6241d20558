"""The browser is led to the page by a file, so that no command line contains the token."""

import stat
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from orchestrator.explore.browser import has_display, leading_to, opened

ADDRESS = "http://127.0.0.1:8000/token/"


def test_a_browser_needs_a_display() -> None:
    assert not has_display({})
    assert not has_display({"DISPLAY": ""})
    assert has_display({"WAYLAND_DISPLAY": "wayland-0"})


def test_only_this_user_can_read_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def note(uri: str) -> bool:
        asked.append(uri)
        return True

    monkeypatch.setattr(webbrowser, "open", note)
    with opened(ADDRESS) as is_open:
        assert is_open
        page = Path(unquote(urlparse(asked[0]).path))
        assert f'content="0; url={ADDRESS}"' in page.read_text()
        assert stat.S_IMODE(page.parent.stat().st_mode) == stat.S_IRWXU
    assert "token" not in asked[0]
    assert not page.exists()


def test_the_address_is_escaped() -> None:
    assert '"><script' not in leading_to('http://127.0.0.1/"><script>')
