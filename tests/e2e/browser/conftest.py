"""A headless browser that opens a page from a file and records its console and its requests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser_fixtures import find_browser

Scheme = Literal["light", "dark"]
NARROW, WIDE = 390, 1280
HEIGHT = 900


@dataclass
class Opened:
    """A page, its console messages, and every address that it requested."""

    page: Page
    console: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)


@dataclass
class Viewer:
    """Opens pages in new windows of the browser."""

    browser: Browser
    folder: Path

    def open(
        self, html: str, width: int = WIDE, scheme: Scheme = "light", height: int = HEIGHT
    ) -> Opened:
        """Open ``html`` from a file, like a report that was received by mail."""
        path = self.folder / "report.html"
        path.write_text(html, encoding="utf-8")
        return self.visit(path.as_uri(), width, scheme, height)

    def visit(
        self, address: str, width: int = WIDE, scheme: Scheme = "light", height: int = HEIGHT
    ) -> Opened:
        """Open the page at ``address``."""
        opened = Opened(
            self.browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        )
        opened.page.on("console", lambda message: opened.console.append(message.text))
        opened.page.on("pageerror", lambda error: opened.console.append(str(error)))
        opened.page.on("request", lambda request: opened.requested.append(request.url))
        opened.page.goto(address)
        return opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the installed browser for one module; its library keeps an event loop running."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=find_browser(),
            args=["--no-sandbox"],  # it opens only our pages, and root cannot use the sandbox
        )
        yield chromium
        chromium.close()


@pytest.fixture
def viewer(browser: Browser, tmp_path: Path) -> Viewer:
    """Return a viewer that opens pages."""
    return Viewer(browser, tmp_path)
