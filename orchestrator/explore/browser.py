"""Opens the page in the user's browser.

The address contains the token, and the command lines of programs can be read by every user of the
machine. So the browser is given a file that only this user can read, which leads to the address.
"""

import os
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

DISPLAYS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
"""Variables of which one is set if a browser can open a window; others take over the terminal."""


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a browser can be opened beside the terminal."""
    return any(environment.get(name) for name in DISPLAYS)


@contextmanager
def opened(address: str) -> Iterator[bool]:
    """Open ``address`` in the browser; provide whether one could be started."""
    with TemporaryDirectory(prefix="explore-") as folder:
        page = Path(folder) / "open.html"
        page.write_text(leading_to(address), encoding="utf-8")
        yield webbrowser.open(page.as_uri())


def leading_to(address: str) -> str:
    """Return a page that a browser leaves at once for ``address``."""
    target = escape(address, quote=True)
    return (
        '<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0; url={target}">'
        f'<title>Server Models Lab</title><a href="{target}">To the page</a>\n'
    )
