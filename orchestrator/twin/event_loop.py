"""An event loop: one thread that serves whoever is ready, and timers for those who only wait."""

from collections import deque

from orchestrator.twin.core import NEVER, Agenda, Record, Server, Talk
from orchestrator.twin.parameters import Discipline, Overhead

EVENTS_PER_TURN = 1_023
"""How many descriptors one poll reports: Python's default, FD_SETSIZE - 1."""

ACCEPTS_PER_TURN = 64
"""As many as the model takes in one go."""


class Loop(Server):
    """One thread in turns: it polls, serves all that were ready then, and fires the timers due.

    Who is reported stays on the kernel's list, behind those reported before and in front of those
    who come later, and is passed over unless it is ready again: level-triggered epoll(7). So a
    connection that was just served may be served again before one that came meanwhile.

    Whoever computes blocks the loop, for its demand and ``resume_ns``. A ``sleep`` is a timer and
    costs ``turn_ns`` twice, when it is read and when it is answered; unless the loop itself sleeps.
    """

    def __init__(
        self, agenda: Agenda, record: Record, overhead: Overhead, told: Discipline
    ) -> None:
        self._agenda = agenda
        self._record = record
        self._overhead = overhead
        self._told = told
        self._ready: deque[Talk | None] = deque()  # None stands for the listener
        self._listed: set[int | None] = set()
        self._backlog: deque[Talk] = deque()
        self._fired: deque[Talk] = deque()
        self._is_busy = self._is_waking = False

    def connect(self, now_ns: int, talk: Talk) -> None:
        """Accept a connection that was just established, or let it wait while the loop is busy."""
        self._backlog.append(talk)
        if self._is_busy:
            self._list(None)
        else:
            self._accept(now_ns, cost_ns=0)
        if talk.has_message:
            self._agenda.at(max(talk.sent_ns, now_ns), self._arrive, talk)
        elif talk.is_leaving:
            self.dismiss(now_ns, talk)

    def deliver(self, talk: Talk) -> None:
        """Take a message that is sent at its instant."""
        self._agenda.at(talk.sent_ns, self._arrive, talk)

    def dismiss(self, now_ns: int, talk: Talk) -> None:
        """Let a connection go: that costs nobody anything."""
        talk.ended_ns = now_ns

    def _arrive(self, now_ns: int, talk: Talk) -> None:
        talk.is_here = True
        if talk.taken_ns != NEVER:
            self._list(talk)
            self._wake(now_ns)

    def _list(self, talk: Talk | None) -> None:
        """Put a connection, or the listener, at the end of the list, unless it is on it."""
        key = talk.number if talk else None
        if key not in self._listed:
            self._listed.add(key)
            self._ready.append(talk)

    def _wake(self, now_ns: int) -> None:
        """Turn as soon as an idle loop can; what comes meanwhile is seen in the same turn."""
        if not self._is_busy and not self._is_waking:
            self._is_waking = True
            self._agenda.at(now_ns + self._overhead.request_ns, self._turn)

    def _turn(self, now_ns: int, _: object = None) -> None:
        """Serve those who are ready at ``now_ns``, one after another."""
        if self._is_busy:
            return
        self._is_busy, self._is_waking = True, False
        at_ns = now_ns
        for talk in self._poll():
            at_ns = self._serve(at_ns, talk) if talk else self._accept(at_ns)
        if at_ns > now_ns:
            self._agenda.at(at_ns, self._fire)
        else:
            self._fire(now_ns)

    def _poll(self) -> list[Talk | None]:
        """Return who is ready, and put them on the list again."""
        ready, reported = self._ready, list[Talk | None]()
        while ready and len(reported) < EVENTS_PER_TURN:
            talk = ready.popleft()
            if talk.is_here if talk else self._backlog:
                reported.append(talk)
            else:
                self._listed.discard(talk.number if talk else None)
        ready.extend(reported)
        return reported

    def _accept(self, at_ns: int, cost_ns: int | None = None) -> int:
        """Accept those who wait, at ``turn_ns`` each or ``cost_ns``; return when that is done."""
        for _ in range(min(ACCEPTS_PER_TURN, len(self._backlog))):
            talk = self._backlog.popleft()
            talk.accepted_ns = talk.taken_ns = at_ns
            at_ns += self._overhead.turn_ns if cost_ns is None else cost_ns
            if talk.is_here:
                self._list(talk)
        return at_ns

    def _serve(self, at_ns: int, talk: Talk) -> int:
        """Begin to serve a message; return when the loop has time for the next."""
        overhead = self._overhead
        talk.started_ns, talk.is_here = at_ns, False
        stretch = self._told.cpus if talk.is_computing else 1.0
        done_ns = at_ns + round(talk.demand_ns / stretch) + overhead.service_ns
        if talk.is_computing or self._told.is_blocking:
            self._finish(done_ns, talk)
            return done_ns + overhead.resume_ns
        self._agenda.at(done_ns, self._on_timer, talk)
        return at_ns + overhead.turn_ns

    def _on_timer(self, now_ns: int, talk: Talk) -> None:
        self._fired.append(talk)
        self._turn(now_ns)

    def _fire(self, now_ns: int, _: object = None) -> None:
        """End the services whose time is over, and turn again where somebody is ready."""
        at_ns = now_ns
        while self._fired:
            self._finish(at_ns, self._fired.popleft())
            at_ns += self._overhead.turn_ns
        if at_ns > now_ns:
            self._agenda.at(at_ns, self._rest)
        else:
            self._rest(now_ns)

    def _rest(self, now_ns: int, _: object = None) -> None:
        self._is_busy = False
        if self._ready or self._fired:
            self._turn(now_ns)

    def _finish(self, at_ns: int, talk: Talk) -> None:
        talk.finished_ns = at_ns
        self._agenda.at(at_ns + self._overhead.answer_ns, self._on_acked, talk)

    def _on_acked(self, now_ns: int, talk: Talk) -> None:
        self._record.ack(talk, now_ns)
        talk.has_message = False
        following = talk.source.acked(talk, now_ns)
        if following:
            self.deliver(talk)
        elif following is not None:
            talk.ended_ns = now_ns
