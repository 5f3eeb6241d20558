"""``explore``: serve a page on loopback, in which one looks at past runs, and open it."""

import argparse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from orchestrator.cli.output import print_out, say
from orchestrator.explore.access import HOST, new_token
from orchestrator.explore.app import make_app
from orchestrator.explore.browser import has_display, opened
from orchestrator.explore.tab import Surroundings
from orchestrator.explore.web import listen, serving
from orchestrator.results.exit_codes import HOLDS, LabError

MOST_PORT = 65_535


class ExploreError(LabError):
    """The page is no longer served."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the port, whether to open a browser, and the folder of the results."""
    parser.add_argument(
        "--port",
        metavar="N",
        type=_port,
        default=0,
        help="the port of 127.0.0.1 to serve the page on (default: any free one)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="open no browser, only print the address"
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("results"),
        help="the folder of the results (default: results)",
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text[:10]) <= MOST_PORT:
        return int(text)
    message = f"{text!r:.60} is not a port, a whole number from 1 to {MOST_PORT}; write e.g. 8000"
    raise argparse.ArgumentTypeError(message)


def execute(arguments: argparse.Namespace) -> int:
    """Serve the page until an interrupt, which is how it ends.

    Raises:
        MisuseError: the port cannot be had.
        ExploreError: the page cannot be served any more.
    """
    token, surroundings = new_token(), Surroundings(arguments.out)
    with closing(listen(arguments.port)) as listener:
        port = listener.getsockname()[1]
        app, address = make_app(surroundings, token, port), f"http://{HOST}:{port}/{token}/"
        try:
            with serving(app, listener) as wait:
                print_out(f"explore: {address}")
                say("Ctrl-C ends it. The address is for you alone: it contains a secret.")
                with _shown(address, is_opened=not arguments.no_browser):
                    wait()
        except KeyboardInterrupt:
            return HOLDS
    raise ExploreError("the page is no longer served; start explore again")


@contextmanager
def _shown(address: str, *, is_opened: bool) -> Iterator[None]:
    """Open the page in a browser if that is wanted and possible."""
    if not is_opened or not has_display():
        yield
        return
    with opened(address) as is_open:
        if not is_open:
            say("no browser was found; open the address above in one")
        yield
