"""The toxics, under toxiproxy's names: what each does to one direction of a connection.

They are pure: chunks in, chunks out, each with the instant at which it is due; no sockets and no
clock. Chunks keep their order.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, TypeAlias

from faultproxy.attributes import Attribute, bytes_to_pass, duration_ns, rate_kb_per_s, size_bytes

BYTES_PER_KB = 1000  # as toxiproxy counts: rate times 100 bytes each 100 ms
SECOND_NS = 1_000_000_000
BURSTS_PER_S = 10  # of a stream with limited bandwidth

Draw: TypeAlias = Callable[[], float]  # the next random number, uniform, strictly from 0 to 1


class Ending(Enum):
    """How a stream ends: by its sender (EOF), or by the proxy (CLOSE, RESET)."""

    EOF = "eof"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes or an ending to pass on at ``due_ns`` of the monotonic clock, not before."""

    due_ns: int
    content: bytes | Ending


class Toxic:
    """The base class: ``attributes`` are those that a scenario may set, with their defaults."""

    attributes: ClassVar[Mapping[str, Attribute]] = {}
    closes_when_removed: ClassVar[bool] = False

    def __init__(self, values: Mapping[str, Any], started_ns: int, draw: Draw) -> None:
        self._values = values
        self._started_ns = started_ns
        self._draw = draw
        self._free_ns = 0  # when the previous chunk has passed

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield what passes of ``chunk``, and when."""
        raise NotImplementedError

    def scheduled(self) -> Chunk | None:
        """Return what happens at a fixed time, whether or not bytes are sent."""
        return None

    def _after_the_previous(self, due_ns: int, content: bytes | Ending) -> Chunk:
        self._free_ns = max(self._free_ns, due_ns)
        return Chunk(self._free_ns, content)


class Latency(Toxic):
    """Everything arrives later by ``latency``, give or take ``jitter``."""

    attributes: ClassVar = {"latency": duration_ns(), "jitter": duration_ns("0ms")}

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Delay ``chunk``; chunks behind it are delayed from their own arrival, not one by one."""
        jitter_ns = round(self._values["jitter"] * (2 * self._draw() - 1))
        delay_ns = max(0, self._values["latency"] + jitter_ns)
        yield self._after_the_previous(chunk.due_ns + delay_ns, chunk.content)


class Bandwidth(Toxic):
    """At most ``rate`` kilobytes a second pass, in bursts of a tenth of that."""

    attributes: ClassVar = {"rate": rate_kb_per_s()}

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Pass each burst when its last byte has passed."""
        if isinstance(chunk.content, Ending):
            yield self._after_the_previous(chunk.due_ns, chunk.content)
            return
        rate = self._values["rate"] * BYTES_PER_KB
        self._free_ns = max(self._free_ns, chunk.due_ns)
        for part in _cut(chunk.content, max(1, int(rate / BURSTS_PER_S))):
            self._free_ns += round(len(part) / rate * SECOND_NS)
            yield Chunk(self._free_ns, part)


class Slicer(Toxic):
    """Bytes arrive in slices of ``average_size``, ``delay`` after one another."""

    attributes: ClassVar = {
        "average_size": size_bytes(),
        "size_variation": bytes_to_pass(0),
        "delay": duration_ns("0ms"),
    }

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Cut bytes into slices that differ from the average by up to ``size_variation``."""
        if isinstance(chunk.content, Ending):
            yield self._after_the_previous(chunk.due_ns, chunk.content)
            return
        rest = chunk.content
        while rest:
            size = self._size()
            yield self._after_the_previous(chunk.due_ns, rest[:size])
            self._free_ns += self._values["delay"]
            rest = rest[size:]

    def _size(self) -> int:
        average: int = self._values["average_size"]
        variation: int = self._values["size_variation"]
        return max(1, average + round(variation * (2 * self._draw() - 1)))


class ResetPeer(Toxic):
    """The connection is reset ``timeout`` after the first bytes, which are lost."""

    attributes: ClassVar = {"timeout": duration_ns("0ms")}
    _is_done = False

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Turn the first chunk into a reset; no later chunk passes."""
        if not self._is_done:
            self._is_done = True
            yield Chunk(chunk.due_ns + self._values["timeout"], Ending.RESET)


class Timeout(Toxic):
    """No bytes pass, and the connection is closed after ``timeout``; never, if it is 0ms."""

    attributes: ClassVar = {"timeout": duration_ns("0ms")}
    closes_when_removed = True  # bytes are missing, so later ones would make no sense

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Drop bytes; an ending closes the connection."""
        if isinstance(chunk.content, Ending):
            yield Chunk(chunk.due_ns, Ending.CLOSE)

    def scheduled(self) -> Chunk | None:
        """Close when the time is up."""
        timeout_ns = self._values["timeout"]
        return Chunk(self._started_ns + timeout_ns, Ending.CLOSE) if timeout_ns else None


class SlowClose(Toxic):
    """The end of the stream arrives ``delay`` late."""

    attributes: ClassVar = {"delay": duration_ns()}

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Delay endings only."""
        is_ending = isinstance(chunk.content, Ending)
        delay_ns = self._values["delay"] if is_ending else 0
        yield self._after_the_previous(chunk.due_ns + delay_ns, chunk.content)


class LimitData(Toxic):
    """The connection is closed once ``bytes`` bytes have passed."""

    attributes: ClassVar = {"bytes": bytes_to_pass()}

    def __init__(self, values: Mapping[str, Any], started_ns: int, draw: Draw) -> None:
        super().__init__(values, started_ns, draw)
        self._left = values["bytes"]

    def pipe(self, chunk: Chunk) -> Iterator[Chunk]:
        """Pass bytes up to the limit."""
        if isinstance(chunk.content, Ending):
            yield chunk
            return
        passed = chunk.content[: self._left]
        self._left -= len(passed)
        if passed:
            yield Chunk(chunk.due_ns, passed)
        if not self._left:
            yield Chunk(chunk.due_ns, Ending.CLOSE)


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
