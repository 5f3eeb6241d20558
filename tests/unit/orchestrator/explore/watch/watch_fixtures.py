"""A server to be watched that is none: what it shows, a test says."""

from typing import cast

from orchestrator.explore.watch.narration import Said
from orchestrator.explore.watch.server import WatchedServer
from orchestrator.explore.watch.window import View, Window

NOW_NS = 100_000_000_000


class FakeServer:
    """The part of a `WatchedServer` that a page reads."""

    model, port, line = "prefork", 3000, "prefork listens on 127.0.0.1:3000"

    def __init__(self, *events: Said, is_in_container: bool) -> None:
        self.is_in_container = is_in_container
        self.window = Window()
        for number, said in enumerate(events):
            self.window.take(said, NOW_NS - 10**9 * (len(events) - number))

    def view(self) -> View:
        """Return the window that ends now."""
        return self.window.view(NOW_NS)


def fake_server(*events: Said, is_in_container: bool = False) -> WatchedServer:
    """Return a server that has said ``events``, a second apart, the last one a second ago."""
    return cast("WatchedServer", FakeServer(*events, is_in_container=is_in_container))
