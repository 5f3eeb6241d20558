"""How far the clock of a peer is ahead of the conductor's, by pings before the start of a run.

An answer has an instant of the peer between two of the conductor: when the ping was sent, and when
the answer came. So the peer is ahead by something between its instant less the second and its
instant less the first (Cristian 1989, "Probabilistic clock synchronization"), and each ping narrows
that. It is for the start barrier alone; results have the offset from the messages of the run.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import NamedTuple

from labkit.clock import Clock
from labkit.wire.wire import PING, PONG, Message, WireError

PINGS = 16
"""To one peer, one after another: the fastest of them counts."""


class Ahead(NamedTuple):
    """By how many nanoseconds a clock is ahead of the conductor's, at least and at most."""

    least_ns: int
    most_ns: int

    @property
    def middle_ns(self) -> int:
        """The estimate; its error is at most half of the difference."""
        return (self.least_ns + self.most_ns) // 2


SAME_CLOCK = Ahead(0, 0)


async def compare_clock(
    send: Callable[[str], Awaitable[None]], receive: Callable[[], Awaitable[Message]]
) -> Ahead:
    """Ping a peer with ``send``, whose answers ``receive`` returns, and return its clock's lead.

    Raises:
        EOFError, OSError: the peer has gone.
        WireError: an answer is none.
    """
    found: list[Ahead] = []
    for _ in range(PINGS):
        sent_ns = time.monotonic_ns()
        await send(PING)
        answer = await receive()
        received_ns = time.monotonic_ns()
        t_ns = answer.get("t_ns")
        if answer["type"] != PONG or type(t_ns) is not int:
            raise WireError(f"an answer to a ping is {answer!r:.80}")
        found.append(Ahead(t_ns - received_ns, t_ns - sent_ns))
    return narrowed(found)


def narrowed(found: Iterable[Ahead]) -> Ahead:
    """Return what all of ``found``, which are of one clock and at least one, leave possible."""
    least_ns, most_ns = zip(*found, strict=True)
    return Ahead(max(least_ns), min(most_ns))


def by_clock(found: Mapping[int, tuple[Clock | None, Ahead]]) -> dict[int, int]:
    """Return by how many ns the clock of each replica is ahead, those of one clock alike.

    ``found`` has the clock of each replica by its number, and what its own pings say of it.
    """
    of_clock: dict[Clock | None, list[Ahead]] = {}
    for clock, ahead in found.values():
        of_clock.setdefault(clock, []).append(ahead)
    common = {clock: narrowed(each).middle_ns for clock, each in of_clock.items()}
    return {number: common[clock] for number, (clock, _) in found.items()}
