"""Workers that each keep a connection until its client says goodbye, first come first served."""

from collections import deque

from orchestrator.twin.core import NEVER, Agenda, Processors, Record, Server, Talk
from orchestrator.twin.parameters import Discipline, Kind, Overhead


class Pool(Server):
    """So many workers, and places for connections that are accepted and wait for one.

    A ``sleep`` holds its worker alone. Who computes shares the CPUs with others who do.
    """

    def __init__(
        self, agenda: Agenda, record: Record, overhead: Overhead, told: Discipline
    ) -> None:
        self._agenda = agenda
        self._record = record
        self._overhead = overhead
        self._idle = told.workers
        self._places = told.places
        self._has_lock = told.kind is Kind.THREADS
        self._processors = Processors(agenda, told.cpus, self._on_computed)
        self._backlog: deque[Talk] = deque()
        self._waiting: deque[Talk] = deque()

    def connect(self, now_ns: int, talk: Talk) -> None:
        """Take a connection that was just established into the accept queue.

        Whoever accepts under a lock that another computes under comes to it later.
        """
        if self._has_lock and self._processors.is_busy:
            self._agenda.at(now_ns + self._overhead.switch_ns, self._enter, talk)
        else:
            self._enter(now_ns, talk)

    def _enter(self, now_ns: int, talk: Talk) -> None:
        self._backlog.append(talk)
        self._move_on(now_ns)

    def deliver(self, talk: Talk) -> None:
        """Serve a message, or let it wait until a worker takes its connection."""
        if talk.taken_ns != NEVER:
            self._converse(talk.sent_ns + self._overhead.request_ns, talk)

    def dismiss(self, now_ns: int, talk: Talk) -> None:
        """Let a connection go, once a worker has taken it."""
        talk.is_leaving = True
        if talk.taken_ns != NEVER:
            self._say_goodbye(now_ns, talk)

    def _move_on(self, now_ns: int) -> None:
        """Accept while there is a place, and let idle workers take who has waited longest."""
        backlog, waiting = self._backlog, self._waiting
        while True:
            if waiting and self._idle:
                self._take(now_ns, waiting.popleft())
            elif backlog and len(waiting) < self._places + self._idle:
                backlog[0].accepted_ns = now_ns
                waiting.append(backlog.popleft())
            else:
                return

    def _take(self, now_ns: int, talk: Talk) -> None:
        self._idle -= 1
        talk.taken_ns = now_ns
        if talk.has_message:
            self._converse(max(now_ns, talk.sent_ns) + self._overhead.request_ns, talk)
        elif talk.is_leaving:
            self._say_goodbye(now_ns, talk)

    def _converse(self, at_ns: int | None, talk: Talk) -> None:
        """Serve a connection, at once until somebody else has a say in what comes next."""
        agenda, overhead = self._agenda, self._overhead
        while at_ns is not None:
            talk.started_ns = at_ns
            if talk.is_computing:
                agenda.at(at_ns, self._processors.begin, talk)
                return
            talk.finished_ns = at_ns + talk.demand_ns + overhead.service_ns
            if talk.source.is_shared:
                agenda.at(talk.finished_ns + overhead.answer_ns, self._on_acked, talk)
                return
            at_ns = self._ack(talk.finished_ns + overhead.answer_ns, talk)

    def _ack(self, now_ns: int, talk: Talk) -> int | None:
        """Note an ack; return when the next service begins, None where that is not known."""
        if now_ns > self._record.end_ns:
            return None
        self._record.ack(talk, now_ns)
        talk.has_message = False
        following = talk.source.acked(talk, now_ns)
        if following:
            return talk.sent_ns + self._overhead.request_ns
        if following is not None:
            self._say_goodbye(now_ns, talk)
        return None

    def _say_goodbye(self, now_ns: int, talk: Talk) -> None:
        talk.ended_ns = now_ns
        turnover_ns = self._overhead.turnover_ns
        if self._has_lock and self._processors.is_busy:
            turnover_ns += self._overhead.switch_ns
        self._agenda.at(now_ns + turnover_ns, self._on_freed, talk)

    def _on_computed(self, now_ns: int, talk: Talk) -> None:
        talk.finished_ns = now_ns + self._overhead.service_ns
        self._agenda.at(talk.finished_ns + self._overhead.answer_ns, self._on_acked, talk)

    def _on_acked(self, now_ns: int, talk: Talk) -> None:
        self._converse(self._ack(now_ns, talk), talk)

    def _on_freed(self, now_ns: int, _talk: Talk) -> None:
        self._idle += 1
        self._move_on(now_ns)
