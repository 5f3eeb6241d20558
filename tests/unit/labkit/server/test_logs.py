import os

from labkit.server.events import EventLog
from labkit.server.logs import Counts
from labkit.server.stream import Stream


def test_counts_are_of_what_happened_and_of_what_is_logged() -> None:
    counts = Counts(2)
    for row in (0, 1):
        log = EventLog(Stream("m", os.open(os.devnull, os.O_WRONLY), False, "lifecycle"), row,
                       counts.row(row))  # fmt: skip
        log.emit("accepted", conn="1", peer="p")
        log.emit("accept_refused", error="EMFILE")
    assert counts.total("accepted") == 2
    assert counts.logged("lifecycle") == {"accept_refused": 2}
    assert log.count("accepted") == 1
