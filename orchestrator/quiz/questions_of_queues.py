"""Questions about queues: what a full backlog does, and whom one long message holds up."""

from dataclasses import dataclass

from orchestrator.measures.dimensions import COUNT
from orchestrator.measures.sentences import counted
from orchestrator.quiz.answers import Amount, Value
from orchestrator.quiz.dice import Dice
from orchestrator.quiz.problem import Draft
from orchestrator.quiz.servers import (
    SIDE_BY_SIDE,
    Mechanism,
    Server,
    draw_server,
    models_with,
)
from orchestrator.quiz.theory import ms_text, rounds
from orchestrator.scenario.models import read_models
from orchestrator.twin.parameters import Kind

GAP_MS = 20
SHORT_MS, LONG_MS = (60, 80, 100), (250, 300, 350, 380, 450)
LATER_MS = 100
"""When the short messages come: the long ones are in service by then."""

CLEAR_MS = 25
"""How far from the end of the long messages the ack of each short one is, at least."""


def ask_backlog(dice: Dice) -> Draft | None:
    """Draft the question how many connects a full backlog leaves out.

    Those that are left out come again after 1 s, when the queue has room for them. A server with a
    queue of its own takes more connections than it has workers, so it is not asked about.
    """
    mechanism = dice.pick((Mechanism.ONE, Mechanism.POOL))
    models = [each for each in models_with(mechanism) if read_models()[each].twin in _ONE_QUEUE]
    workers = 1 if mechanism is Mechanism.ONE else dice.whole(2, 3)
    server, backlog = Server(dice.pick(models), mechanism, workers), dice.whole(1, 4)
    users, service_ms = dice.whole(4, 12), dice.pick((300, 350, 400, 450))
    left_out = max(users - workers - backlog - 1, 0)
    if (users + 3) * GAP_MS > service_ms or left_out > 2 * workers or users <= workers:
        return None
    found = {users - workers - backlog: "That forgets that the kernel's queue holds one more."}
    found.setdefault(users - workers, "That is how many find no worker, but some can wait.")
    found.setdefault(users - backlog - 1, "That forgets those that a worker takes at once.")
    return Draft(
        setting=f"{server.sentence} Its backlog is {backlog}. {users} users connect, one every "
        f"{GAP_MS} ms, and the service of each one's only message waits {ms_text(service_ms)}.",
        question="How many connects find the accept queue full, so that they must be tried again?",
        scenario={
            "models": [server.model],
            "server": {**server.settings, "backlog": backlog},
            "clients": [
                {
                    "executor": "open",
                    "rate": f"{1000 // GAP_MS}/s",
                    "duration": f"{users * GAP_MS}ms",
                    "connections": "each",
                    "demand": f"sleep={service_ms}ms",
                }
            ],
        },
        measure=lambda seen: float(seen[0].left_out),
        derived=float(left_out),
        why=_why_of_backlog(server, backlog, users),
        answer=_count,
        mistakes={float(value): text for value, text in found.items() if value >= 0},
    )


_ONE_QUEUE = (Kind.PROCESS, Kind.PROCESSES, Kind.THREADS_ACCEPTING)
"""The kinds whose accept queue in the kernel is the only one."""


def _why_of_backlog(server: Server, backlog: int, users: int) -> str:
    workers, places = server.workers, backlog + 1
    taken = f"{counted(workers, 'users are')} served at once, longer than the others need to come."
    held = (
        f"The kernel's queue holds one connection more than the backlog, {backlog} + 1 = {places}."
    )
    left_out = users - workers - places
    if left_out <= 0:
        return f"{taken} {held} The other {users - workers} find a place in it."
    return (
        f"{taken} {held} Of the other {users - workers} users, {users - workers} - {places} = "
        f"{left_out} find no place. The server's kernel drops their SYN, and the client's kernel "
        "sends it again after 1 s, so no connect fails."
    )


@dataclass(frozen=True)
class _LongMessages:
    """Long messages at 0, one of each of ``longs`` users, and short ones of others `LATER_MS`."""

    server: Server
    longs: int
    long_ms: int
    users: int
    short_ms: int

    @property
    def free(self) -> int:
        """How many workers the long messages leave; of a loop that sleeps, 0."""
        return self.server.workers - self.longs

    @property
    def acks_ms(self) -> list[int]:
        """When the users with short messages get their acks, as if no worker became free."""
        if self.server.mechanism in SIDE_BY_SIDE:
            return [LATER_MS + self.short_ms] * self.users
        workers = self.free or self.server.workers
        begin_ms = LATER_MS if self.free else self.long_ms
        numbers = range(1, self.users + 1)
        return [begin_ms + rounds(number, workers) * self.short_ms for number in numbers]

    @property
    def is_clear(self) -> bool:
        """Whether no ack is so near to the end of the long messages that it may be either side."""
        return all(abs(each - self.long_ms) >= CLEAR_MS for each in self.acks_ms)

    @property
    def held_up(self) -> int:
        """How many get their ack after the end of the long messages."""
        return sum(each > self.long_ms for each in self.acks_ms)

    @property
    def sentence(self) -> str:
        """The load in two sentences."""
        who = "1 user sends one message"
        if self.longs > 1:
            who = f"{self.longs} users send one message each,"
        return (
            f"{who} whose service waits {ms_text(self.long_ms)}. {ms_text(LATER_MS)} later "
            f"{self.users} other users connect at once, and each sends one message whose service "
            f"waits {ms_text(self.short_ms)}."
        )

    @property
    def why(self) -> str:
        """Why so many are held up."""
        end = ms_text(self.long_ms)
        if self.server.mechanism in SIDE_BY_SIDE:
            return (
                f"No user waits for another: each gets its ack {ms_text(self.short_ms)} after it "
                "has sent its message, so none waits for the long one."
            )
        if self.server.mechanism is Mechanism.BLOCKED:
            return f"The loop sleeps until {end} and serves nobody meanwhile, so all others wait."
        if not self.free:
            are = "The worker is" if self.server.workers == 1 else "All workers are"
            return f"{are} busy with long messages until {end}, so all others wait."
        in_time = (self.long_ms - LATER_MS) // self.short_ms
        short = ms_text(self.short_ms)
        return (
            f"The long messages leave {self.free} of {self.server.workers} workers. From "
            f"{ms_text(LATER_MS)} to {end} each of these can answer {in_time} messages of {short}, "
            f"together {self.free * in_time}, and there are {self.users}, so "
            f"{self.held_up or 'none'} of them must wait longer."
        )


def ask_long_message(dice: Dice) -> Draft | None:
    """Draft the question how many users a long message holds up."""
    server = draw_server(dice, (*Mechanism, Mechanism.POOL, Mechanism.POOL))
    has_pool = server.mechanism in {Mechanism.POOL, Mechanism.SHARED}
    longs = dice.whole(1, server.workers) if has_pool else 1
    load = _LongMessages(
        server, longs, dice.pick(LONG_MS), users=dice.whole(3, 12), short_ms=dice.pick(SHORT_MS)
    )
    if not load.is_clear:
        return None
    groups = [
        _group("long", load.longs, load.long_ms, 0),
        _group("short", load.users, load.short_ms, LATER_MS),
    ]
    return Draft(
        setting=f"{server.sentence} {load.sentence}",
        question=f"How many of the {load.users} other users get their ack only after the last of "
        "the long messages is answered?",
        scenario={"models": [server.model], "server": server.settings, "clients": groups},
        measure=lambda seen: float(seen[0].answered_after(1, 0)),
        derived=float(load.held_up),
        why=load.why,
        answer=_count,
        mistakes={
            float(load.users): "That is so only if nobody is left to serve them before.",
            0.0: "That is so only if somebody is left to serve all of them in time.",
        },
    )


def _group(name: str, users: int, service_ms: int, start_ms: int) -> dict[str, object]:
    return {
        "name": name,
        "executor": "closed",
        "users": users,
        "messages": 1,
        "demand": f"sleep={service_ms}ms",
        "start": f"{start_ms}ms",
    }


def _count(right: Value) -> Amount:
    return Amount(float(right), COUNT)
