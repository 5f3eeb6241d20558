"""Where the browser is that tests open a report in."""

import os
import shutil

NAMES = ("chromium", "google-chrome", "chromium-browser")


def find_browser() -> str | None:
    """Return the path of ``LAB_BROWSER``, or else of the first that is installed; None if none."""
    chosen = os.environ.get("LAB_BROWSER")
    found = (shutil.which(name) for name in ((chosen,) if chosen else NAMES))
    return next((path for path in found if path), None)
