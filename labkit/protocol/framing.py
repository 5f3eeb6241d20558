"""Splits a byte stream into messages that end with ETX.

A message may arrive in any number of segments, and a segment may hold any number of messages. No
sockets, no clock, no limits: the session refuses messages that are too long.
"""

ETX = b"\x03"


class Framer:
    """Takes bytes by `receive`, returns whole messages by `next_message`, keeps the rest."""

    __slots__ = ("_messages", "tail")

    def __init__(self) -> None:
        self.tail = b""
        self._messages: list[bytes] = []  # oldest last; an empty deque takes 600 bytes

    def receive(self, segment: bytes) -> None:
        """Take the next bytes of the stream."""
        *messages, self.tail = (self.tail + segment).split(ETX)
        if messages:
            messages.reverse()
            self._messages = messages + self._messages

    @property
    def rest(self) -> bytes:
        """All bytes taken that are not returned yet."""
        whole = b"".join(message + ETX for message in reversed(self._messages))
        return whole + self.tail

    def next_message(self) -> bytes | None:
        """Return the oldest whole message without its ETX, or None until more bytes arrive."""
        return self._messages.pop() if self._messages else None
