"""What can be done to one direction of a connection, by the names that toxiproxy gave them.

Pure: pieces in, pieces out, each with the instant at which it is due. No sockets, no clock. Each
toxic hands on pieces in the order they came, never one before its predecessor.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from faultproxy.attributes import Attribute, bytes_to_pass, duration_ns, rate_kb_per_s, size_bytes
from faultproxy.piece import Draw, Ending, Piece

BYTES_PER_KB = 1000  # as toxiproxy counts: rate times 100 bytes each 100 ms
SECOND_NS = 1_000_000_000
BURSTS_PER_S = 10  # of a stream that is slowed down


class Toxic:
    """The base: its ``attributes`` are what a scenario may say of it, and the defaults."""

    attributes: ClassVar[Mapping[str, Attribute]] = {}
    closes_when_removed: ClassVar[bool] = False

    def __init__(self, values: Mapping[str, Any], begun_ns: int, draw: Draw) -> None:
        self._values = values
        self._begun_ns = begun_ns
        self._draw = draw
        self._free_ns = 0  # the piece before is through

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Yield what becomes of ``piece``."""
        raise NotImplementedError

    def appointment(self) -> Piece | None:
        """Return what happens by the clock alone, whether or not anything is sent."""
        return None

    def _after_the_last(self, due_ns: int, content: bytes | Ending) -> Piece:
        self._free_ns = max(self._free_ns, due_ns)
        return Piece(self._free_ns, content)


class Latency(Toxic):
    """Everything arrives later by ``latency``, give or take ``jitter``."""

    attributes: ClassVar = {"latency": duration_ns(), "jitter": duration_ns("0ms")}

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Delay ``piece``; those behind it are delayed at the same time, not one by one."""
        jitter_ns = round(self._values["jitter"] * (2 * self._draw() - 1))
        delay_ns = max(0, self._values["latency"] + jitter_ns)
        yield self._after_the_last(piece.due_ns + delay_ns, piece.content)


class Bandwidth(Toxic):
    """No more than ``rate`` kilobytes a second get through, in bursts of a tenth of that."""

    attributes: ClassVar = {"rate": rate_kb_per_s()}

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Let each burst arrive when its last byte is through."""
        if isinstance(piece.content, Ending):
            yield self._after_the_last(piece.due_ns, piece.content)
            return
        rate = self._values["rate"] * BYTES_PER_KB
        self._free_ns = max(self._free_ns, piece.due_ns)
        for part in _cut(piece.content, max(1, int(rate / BURSTS_PER_S))):
            self._free_ns += round(len(part) / rate * SECOND_NS)
            yield Piece(self._free_ns, part)


class Slicer(Toxic):
    """Bytes arrive in slices of ``average_size``, ``delay`` after one another."""

    attributes: ClassVar = {
        "average_size": size_bytes(),
        "size_variation": bytes_to_pass(0),
        "delay": duration_ns("0ms"),
    }

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Cut up what arrives, each slice up to ``size_variation`` shorter or longer."""
        if isinstance(piece.content, Ending):
            yield self._after_the_last(piece.due_ns, piece.content)
            return
        rest = piece.content
        while rest:
            size = self._size()
            yield self._after_the_last(piece.due_ns, rest[:size])
            self._free_ns += self._values["delay"]
            rest = rest[size:]

    def _size(self) -> int:
        average: int = self._values["average_size"]
        variation: int = self._values["size_variation"]
        return max(1, average + round(variation * (2 * self._draw() - 1)))


class ResetPeer(Toxic):
    """The connection is reset ``timeout`` after something was sent, which is lost."""

    attributes: ClassVar = {"timeout": duration_ns("0ms")}
    _is_done = False

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Turn the first piece into a reset; after it nothing gets through."""
        if not self._is_done:
            self._is_done = True
            yield Piece(piece.due_ns + self._values["timeout"], Ending.RESET)


class Timeout(Toxic):
    """Nothing gets through, and the connection is closed after ``timeout``; never, if it is 0ms."""

    attributes: ClassVar = {"timeout": duration_ns("0ms")}
    closes_when_removed = True  # bytes are missing: no sense could be made of the others

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Swallow bytes; an ending ends the connection."""
        if isinstance(piece.content, Ending):
            yield Piece(piece.due_ns, Ending.CLOSE)

    def appointment(self) -> Piece | None:
        """Close when the time is up."""
        timeout_ns = self._values["timeout"]
        return Piece(self._begun_ns + timeout_ns, Ending.CLOSE) if timeout_ns else None


class SlowClose(Toxic):
    """The end of the stream arrives ``delay`` late."""

    attributes: ClassVar = {"delay": duration_ns()}

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Delay an ending alone."""
        is_ending = isinstance(piece.content, Ending)
        delay_ns = self._values["delay"] if is_ending else 0
        yield self._after_the_last(piece.due_ns + delay_ns, piece.content)


class LimitData(Toxic):
    """The connection is closed once ``bytes`` bytes have passed."""

    attributes: ClassVar = {"bytes": bytes_to_pass()}

    def __init__(self, values: Mapping[str, Any], begun_ns: int, draw: Draw) -> None:
        super().__init__(values, begun_ns, draw)
        self._left = values["bytes"]

    def shape(self, piece: Piece) -> Iterator[Piece]:
        """Pass what is still allowed."""
        if isinstance(piece.content, Ending):
            yield piece
            return
        passed = piece.content[: self._left]
        self._left -= len(passed)
        if passed:
            yield Piece(piece.due_ns, passed)
        if not self._left:
            yield Piece(piece.due_ns, Ending.CLOSE)


TOXICS: Mapping[str, type[Toxic]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slicer": Slicer,
    "reset_peer": ResetPeer,
    "timeout": Timeout,
    "slow_close": SlowClose,
    "limit_data": LimitData,
}


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))
