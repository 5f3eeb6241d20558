"""CPUs, shared by those who compute at the same time."""

import heapq
from collections.abc import Callable

from orchestrator.twin.agenda import Agenda
from orchestrator.twin.talk import Talk

NOISE_NS = 1e-3


class Processors:
    """So many CPUs, of which nobody uses more than one, shared evenly.

    Processor sharing (Kleinrock 1976, "Queueing Systems, volume 2", 4.4): the limit of turns
    that become ever shorter. ``capacity`` need not be whole: a container may have half a CPU.

    By a clock that runs as fast as each of them gets on: whoever begins at v with a demand of d is
    done when it shows v + d, however many come and go meanwhile.
    """

    def __init__(
        self, agenda: Agenda, capacity: float, on_done: Callable[[int, Talk], None]
    ) -> None:
        self._agenda = agenda
        self._capacity = capacity
        self._on_done = on_done
        self._shown_ns = 0.0
        self._looked_ns = 0
        self._computing: list[tuple[float, int, Talk]] = []
        self._plan = 0

    @property
    def is_busy(self) -> bool:
        """Whether anybody computes."""
        return bool(self._computing)

    def begin(self, now_ns: int, talk: Talk) -> None:
        """Compute the message of ``talk`` from now on."""
        self._look(now_ns)
        done_at = self._shown_ns + talk.demand_ns
        heapq.heappush(self._computing, (done_at, self._plan, talk))
        self._replan(now_ns)

    def _look(self, now_ns: int) -> None:
        self._shown_ns += (now_ns - self._looked_ns) * self._speed
        self._looked_ns = now_ns

    @property
    def _speed(self) -> float:
        return min(1.0, self._capacity / max(len(self._computing), 1))

    def _replan(self, now_ns: int) -> None:
        """Come back when the next is done, unless the number of them changes before."""
        self._plan += 1
        if self._computing:
            left_ns = max(self._computing[0][0] - self._shown_ns, 0) / self._speed
            self._agenda.at(now_ns + round(left_ns), self._complete, self._plan)

    def _complete(self, now_ns: int, plan: int) -> None:
        if plan != self._plan:
            return
        self._look(now_ns)
        done: list[Talk] = []
        # The one that was waited for is done, whatever the rounding to a nanosecond says.
        limit = max(self._shown_ns, self._computing[0][0]) + NOISE_NS
        while self._computing and self._computing[0][0] <= limit:
            done.append(heapq.heappop(self._computing)[2])
        self._replan(now_ns)
        for talk in done:
            self._on_done(now_ns, talk)
