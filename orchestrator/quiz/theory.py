"""What paper and pencil say of a load, in whole milliseconds, with the reason in plain sentences.

The twin answers a problem; this explains the answer. Tests hold the two against each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heapreplace
from typing import NamedTuple

from orchestrator.measures.dimensions import TIME
from orchestrator.measures.sentences import counted, value_text
from orchestrator.quiz.servers import KEEPING, SIDE_BY_SIDE, Mechanism, Server


class Derived(NamedTuple):
    """A duration in ms, and the sentences that say why."""

    ms: int
    why: str


@dataclass(frozen=True)
class Load:
    """Users that connect at once, in the order of their numbers, and wait for each ack.

    Each sends ``messages`` of ``service_ms``, thinks for ``think_ms`` between two of them, and
    closes its connection.
    """

    users: int
    messages: int
    service_ms: int
    think_ms: int = 0

    @property
    def conversation_ms(self) -> int:
        """How long a user takes that never waits for a worker."""
        return self.messages * self.service_ms + (self.messages - 1) * self.think_ms

    @property
    def conversation(self) -> str:
        """The sum that `conversation_ms` is."""
        parts = f"{self.messages} × {ms_text(self.service_ms)}"
        if self.think_ms and self.messages > 1:
            parts += f" + {self.messages - 1} × {ms_text(self.think_ms)}"
        return f"{parts} = {ms_text(self.conversation_ms)}"

    @property
    def sentence(self) -> str:
        """The load in two sentences."""
        thinks = self.think_ms and self.messages > 1
        rest = f", thinks for {ms_text(self.think_ms)} before the next message" if thinks else ""
        each = f"sends {counted(self.messages, 'messages')}, waits for each ack{rest}, and closes"
        return (
            f"{counted(self.users, 'users')} connect at once, in the order of their numbers, from "
            f"0. Each {each}. The service of a message waits {ms_text(self.service_ms)}, as on I/O."
        )

    @property
    def group(self) -> dict[str, object]:
        """The load as a group of clients in a scenario."""
        return {
            "executor": "closed",
            "users": self.users,
            "messages": self.messages,
            "demand": f"sleep={self.service_ms}ms",
            "think_time": f"{self.think_ms}ms",
        }


def ms_text(ms: float) -> str:
    """Return a duration in the words of a sentence: ``600 ms``, ``1.2 s``."""
    return value_text(ms / 1e3, TIME)


def rounds(users: int, workers: int) -> int:
    """Return in how many rounds ``workers`` serve ``users``: the quotient, rounded up."""
    return -(-users // workers)


def makespan(server: Server, load: Load) -> Derived:
    """Return how long ``server`` needs for all of ``load``.

    A loop that sleeps, and a pool that serves messages, need a load without think times.
    """
    users, service = load.users, ms_text(load.service_ms)
    if server.mechanism in SIDE_BY_SIDE:
        why = f"No user waits for another, so all are done after {load.conversation}."
        return Derived(load.conversation_ms, why)
    if server.mechanism in KEEPING:
        return _of_rounds(server, load)
    total = users * load.messages
    sum_text = f"{users} × {load.messages} = {total} messages"
    if server.mechanism is Mechanism.BLOCKED:
        ms = total * load.service_ms
        why = f"While the loop sleeps it serves no other message, so {sum_text} are served one "
        return Derived(ms, f"{why}after another: {total} × {service} = {ms_text(ms)}.")
    turns = load.messages if users < server.workers else rounds(total, server.workers)
    ms = turns * load.service_ms
    why = f"A thread is free again after each message, so {server.workers} threads share {sum_text}"
    if users < server.workers:
        why = f"There is a thread for each of {users} users, so none waits"
    return Derived(ms, f"{why}: {turns} turns of {service} are {ms_text(ms)}.")


def _of_rounds(server: Server, load: Load) -> Derived:
    count = rounds(load.users, server.workers)
    ms = count * load.conversation_ms
    keeps = f"A worker keeps a connection until it is closed, for {load.conversation}."
    if server.workers == 1:
        why = f"{keeps} Users are served one after another: {load.users} ×"
    else:
        why = (
            f"{keeps} {server.workers} workers serve {load.users} users in "
            f"⌈{load.users} / {server.workers}⌉ = {counted(count, 'rounds')}: {count} ×"
        )
    return Derived(ms, f"{why} {ms_text(load.conversation_ms)} = {ms_text(ms)}.")


def first_response(server: Server, load: Load, user: int) -> Derived:
    """Return the response time of the first message of ``user``, from 0.

    Not for a loop that sleeps: in which order it reads its connections is not said by its name.
    """
    service = ms_text(load.service_ms)
    if server.mechanism in SIDE_BY_SIDE:
        why = f"User {user} waits for no other, so its response time is the {service} of its own."
        return Derived(load.service_ms, why)
    before = user // server.workers
    keeps = server.mechanism in KEEPING
    held_ms, held = (
        (load.conversation_ms, f"{load.conversation}, a whole connection,")
        if keeps
        else (load.service_ms, f"{service}, one message,")
    )
    ms = before * held_ms + load.service_ms
    if not before:
        return Derived(ms, f"A worker is free for user {user} at once: only its own {service}.")
    who = "The worker" if server.workers == 1 else "Each worker"
    are = "user is" if user == 1 else "users are"
    ahead = f"{user} {are} ahead of user {user}. {who} serves {held} at a time, so user"
    why = f"{ahead} {user} waits for {before} of these: {before} × {ms_text(held_ms)}"
    return Derived(ms, f"{why} + its own {service} = {ms_text(ms)}.")


class Served(NamedTuple):
    """When a user arrives, and from when to when it is served, in ms."""

    arrival_ms: int
    begin_ms: int
    end_ms: int

    @property
    def wait_ms(self) -> int:
        """How long it waits for a worker."""
        return self.begin_ms - self.arrival_ms


def first_come(workers: int, gap_ms: int, services_ms: Sequence[int]) -> list[Served]:
    """Return how ``workers`` serve users that arrive every ``gap_ms``, in their order."""
    free_ms = [0] * workers
    heapify(free_ms)
    found = []
    for number, service_ms in enumerate(services_ms):
        begin_ms = max(number * gap_ms, free_ms[0])
        heapreplace(free_ms, begin_ms + service_ms)
        found.append(Served(number * gap_ms, begin_ms, begin_ms + service_ms))
    return found


def schedule_text(served: Sequence[Served]) -> str:
    """Return the schedule in a sentence for each user."""
    return " ".join(
        f"User {number} arrives at {ms_text(each.arrival_ms)}, is served from "
        f"{ms_text(each.begin_ms)} to {ms_text(each.end_ms)}, and waits {ms_text(each.wait_ms)}."
        for number, each in enumerate(served)
    )
