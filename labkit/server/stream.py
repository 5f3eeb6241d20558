"""Where the lines of the event log go.

Who reads too slowly slows the server: a log with holes would make the run worthless, and unbounded
memory would take the server down. But no reader keeps it from stopping. One write of up to 4096
bytes is all or nothing on a pipe (PIPE_BUF, pipe(7)), so writers do not tear each other's lines; a
terminal or a full disk gives no such promise.
"""

import os
import select
import time
from dataclasses import dataclass, field

MAX_WRITE_BYTES = 4096


@dataclass(slots=True)
class Stream:
    """Where the lines of one server go, and how they are written."""

    model: str
    fd: int
    as_text: bool
    level: str
    anchor: tuple[int, int] = field(
        default_factory=lambda: (time.time_ns(), time.monotonic_ns())
    )  # wall clock and monotonic clock at one instant

    deadline_ns: int | None = None  # monotonic; a write that cannot begin by then is given up
    ended: bool = False

    def write(self, lines: bytes) -> None:
        """Write all of ``lines``; where that fails, logging ends and serving goes on.

        Blocks while the pipe is full, until ``deadline_ns``.
        """
        while lines and not self.ended:
            try:
                if self.deadline_ns is None or self._await_room():
                    lines = lines[os.write(self.fd, lines) :]
            except BlockingIOError:  # somebody who shares the pipe made it non-blocking
                self._await_room()
            except OSError:  # nobody reads any more, or the disk is full
                self.ended = True

    def _await_room(self) -> bool:
        """Return whether the stream takes a write; at the deadline it does not, and has `ended`."""
        wait_ms = None
        if self.deadline_ns is not None:
            wait_ms = max(self.deadline_ns - time.monotonic_ns(), 0) / 1e6
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        self.ended = not poll.poll(wait_ms)
        return not self.ended

    def clock_text(self, t_ns: int) -> str:
        """Return the local time of day at ``t_ns``, to the millisecond."""
        wall_ns = self.anchor[0] + t_ns - self.anchor[1]
        day = time.strftime("%H:%M:%S", time.localtime(wall_ns // 1_000_000_000))
        return f"{day}.{wall_ns // 1_000_000 % 1000:03d}"
