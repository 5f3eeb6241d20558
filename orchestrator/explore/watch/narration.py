"""The event log as text, of which a line is one event that has just happened.

Only the text says that a service begins; the JSON log has it in the line of the ack. A line has the
time of day, to the millisecond, which is not read: what matters is when it came.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3}  \S+  (?:main|worker (\d{1,5}))  (.*)\n?")
_CONN, _REQUEST, _WORKER, _PORT = (
    r"(?P<conn>\S{1,64})",
    r"(?P<request>\S*)",
    r"(?P<about>\d{1,5})",
    r"(?P<port>\d{1,5})",
)
_TEXTS = {
    "listening": rf"listening on \S+:{_PORT}",
    "worker_started": rf"worker {_WORKER} started, pid \d+",
    "worker_exited": rf"worker {_WORKER} exited: (?P<reason>.*)",
    "accepted": rf"accepted connection {_CONN} from \S+:{_PORT}",
    "dequeued": rf"took connection {_CONN} from the queue",
    "request_started": rf"serving {_REQUEST} of {_CONN}: \S+",
    "request_acked": rf"acked {_REQUEST} of {_CONN} after [0-9.]+ ms",
    "connection_closed": rf"closed connection {_CONN} after \d+ requests: (?P<reason>.*)",
    "connection_failed": rf"failed connection {_CONN} after \d+ requests: (?P<reason>.*)",
}
_PATTERNS = {event: re.compile(text) for event, text in _TEXTS.items()}


class Said(NamedTuple):
    """An event; ``worker`` is 0 if the main process or thread says it. A field may be missing.

    ``about`` is the worker of which the event says that it has started or exited.
    """

    event: str
    worker: int
    conn: str = ""
    request: str = ""
    port: int = 0
    about: int = 0
    reason: str = ""


def read_line(line: str) -> Said | None:
    """Return what ``line`` says, None if it is no event of which lanes are drawn."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    worker, text = int(found[1] or 0), found[2]
    for event, pattern in _PATTERNS.items():
        if said := pattern.fullmatch(text):
            return _said(event, worker, said.groupdict())
    return None


def _said(event: str, worker: int, fields: Mapping[str, str]) -> Said:
    return Said(
        event,
        worker,
        conn=fields.get("conn", ""),
        request=fields.get("request", ""),
        port=int(fields.get("port", 0)),
        about=int(fields.get("about", 0)),
        reason=fields.get("reason", ""),
    )
