"""Opens the page in the user's browser.

The address contains the token, and the command lines of programs can be read by every user of the
machine. So the browser is given a file that only this user can read, which leads to the address. It
is removed at the end, or at the next start if this program was killed.
"""

import fcntl
import os
import shutil
import tempfile
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

DISPLAYS = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
"""Variables of which one is set if a browser can open a window; others take over the terminal."""

PREFIX, PAGE = "explore-open-", "open.html"


def has_display(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a browser can be opened beside the terminal."""
    return any(environment.get(name) for name in DISPLAYS)


@contextmanager
def opened(address: str) -> Iterator[bool]:
    """Open ``address`` in the browser; provide whether one could be started."""
    remove_left_files()
    with TemporaryDirectory(prefix=PREFIX) as folder:
        begun, page = Path(folder) / "begun.html", Path(folder) / PAGE
        with begun.open("w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the end of this program, however that comes
            file.write(leading_to(address))
            file.flush()
            begun.rename(page)
            yield webbrowser.open(page.as_uri())


def remove_left_files() -> None:
    """Remove the files of this user's programs that have ended; no other program holds their lock.

    A folder that cannot be read, such as another user's, stays.
    """
    for page in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{PAGE}"):
        try:
            with page.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        shutil.rmtree(page.parent, ignore_errors=True)


def leading_to(address: str) -> str:
    """Return a page that a browser leaves at once for ``address``."""
    target = escape(address, quote=True)
    return (
        '<!DOCTYPE html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0; url={target}">'
        f'<title>Server Models Lab</title><a href="{target}">To the page</a>\n'
    )
