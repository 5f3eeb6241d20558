"""Cuts a byte stream into messages ended by ETX.

Bytes are not messages: a message may arrive in any number of segments and a segment may hold any
number of messages. No sockets, no clock, no limits: what is too long is the session's to refuse.
"""

ETX = b"\x03"


class Framer:
    """Bytes in by `receive`, whole messages out by `next_message`, the unfinished tail kept."""

    __slots__ = ("_messages", "tail")

    def __init__(self) -> None:
        self.tail = b""
        self._messages: list[bytes] = []  # the oldest last: an idle deque holds 600 bytes

    def receive(self, segment: bytes) -> None:
        """Take the next bytes of the stream."""
        *messages, self.tail = (self.tail + segment).split(ETX)
        if messages:
            messages.reverse()
            self._messages = messages + self._messages

    def next_message(self) -> bytes | None:
        """Return the oldest whole message without its ETX, or None until more bytes arrive."""
        return self._messages.pop() if self._messages else None
