"""The browser is led to the page by a file, so that no command line contains the token."""

import stat
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from orchestrator.explore.browser import (
    PAGE,
    PREFIX,
    has_display,
    leading_to,
    opened,
    remove_left_files,
)

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


def test_what_a_killed_program_has_left_is_removed_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    left, other = tmp_path / f"{PREFIX}left", tmp_path / "other"
    for folder in (left, other):
        folder.mkdir()
        (folder / PAGE).touch()
    with opened(ADDRESS):
        (own,) = tmp_path.glob(f"{PREFIX}*")
        assert own != left
        remove_left_files()
        assert (own / PAGE).exists()
    assert list(tmp_path.iterdir()) == [other]


def test_the_address_is_escaped() -> None:
    assert '"><script' not in leading_to('http://127.0.0.1/"><script>')
