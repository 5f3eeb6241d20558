"""docs/event-log.md lists every event and every field."""

import re

from conformance import ROOT
from conformance.server_process import Starter
from labkit.server.events import EVENTS

PAGE = (ROOT / "docs/event-log.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*)$", PAGE, re.MULTILINE))


def test_the_page_has_every_event() -> None:
    assert set(ROWS) == set(EVENTS)


def test_the_page_has_every_field(start: Starter) -> None:
    server = start()
    server.serves()
    server.stop()
    for event in server.events:
        fields = event.keys() - {"t_ns", "event", "model", "worker", "pid"}
        missing = [field for field in fields if f"`{field}`" not in ROWS[event["event"]]]
        assert missing == []
