"""One direction of a connection: what is read goes through the toxics and on when it is due.

Pieces are due on the clock of the event loop, and asyncio wakes up to a millisecond late.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence

from faultproxy.piece import Ending, Piece
from faultproxy.prescription import Prescribed
from faultproxy.toxics import Toxic

MAX_PENDING_BYTES = 1 << 20  # on the way; more are left to the sender's TCP window


class Stream:
    """Hands to ``deliver`` what it was told to `take`, as the toxics in use have it."""

    def __init__(
        self, seed: int, connection: int, deliver: Callable[[bytes | Ending], None]
    ) -> None:
        self._seed = seed
        self._connection = connection
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._toxics: dict[Prescribed, Toxic] = {}
        self._appointments: dict[Prescribed, asyncio.TimerHandle] = {}
        self._queue: deque[Piece] = deque()
        self._last_due_ns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._pending_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether to read no more for now."""
        return self._pending_bytes > MAX_PENDING_BYTES

    def use(self, prescribed: Sequence[Prescribed]) -> None:
        """Let these toxics work from now on; one that did already goes on where it is.

        What is on its way stays due when it was. Where a toxic leaves that swallowed bytes, the
        connection is closed.
        """
        now_ns = time.monotonic_ns()
        gone = [toxic for kind, toxic in self._toxics.items() if kind not in prescribed]
        at_work: dict[Prescribed, Toxic] = {}
        for kind in prescribed:
            toxic = self._toxics.get(kind) or kind.begin(self._seed, self._connection, now_ns)
            if toxic:
                at_work[kind] = toxic
        self._toxics = at_work
        self._make_appointments()
        if any(toxic.closes_when_removed for toxic in gone):
            self._deliver(Ending.CLOSE)

    def take(self, content: bytes | Ending) -> None:
        """Pass ``content`` on now or when the toxics let it."""
        if not self._toxics and not self._queue:
            self._deliver(content)
            return
        pieces = [Piece(time.monotonic_ns(), content)]
        for toxic in self._toxics.values():
            pieces = [shaped for piece in pieces for shaped in toxic.shape(piece)]
        for piece in pieces:
            self._last_due_ns = max(self._last_due_ns, piece.due_ns)
            self._queue.append(Piece(self._last_due_ns, piece.content))
            self._pending_bytes += _size(piece.content)
        self._deliver_what_is_due()

    def stop(self) -> None:
        """Drop what is on its way."""
        self._toxics = {}
        self._make_appointments()
        self._queue.clear()
        self._pending_bytes = 0
        if self._timer:
            self._timer.cancel()

    def _make_appointments(self) -> None:
        for kind in set(self._appointments) - set(self._toxics):
            self._appointments.pop(kind).cancel()
        for kind, toxic in self._toxics.items():
            appointment = toxic.appointment()
            if appointment and kind not in self._appointments:
                self._appointments[kind] = self._loop.call_at(
                    appointment.due_ns / 1e9, self._deliver, appointment.content
                )

    def _deliver_what_is_due(self) -> None:
        now_ns = time.monotonic_ns()
        while self._queue and self._queue[0].due_ns <= now_ns:
            content = self._queue.popleft().content
            self._pending_bytes -= _size(content)
            self._deliver(content)  # which may `stop`
        if self._timer:
            self._timer.cancel()
        if self._queue:
            self._timer = self._loop.call_at(self._queue[0].due_ns / 1e9, self._deliver_what_is_due)


def _size(content: bytes | Ending) -> int:
    return 0 if isinstance(content, Ending) else len(content)
