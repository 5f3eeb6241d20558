"""Questions with an answer of several: who waits longest, which is first, how many workers."""

from collections.abc import Sequence

from orchestrator.measures.dimensions import COUNT
from orchestrator.measures.sentences import counted
from orchestrator.quiz.answers import Amount, Choice, Value
from orchestrator.quiz.dice import Dice
from orchestrator.quiz.observed import Observed
from orchestrator.quiz.problem import Draft
from orchestrator.quiz.questions_of_time import (
    LONGEST_MS,
    SHORTEST_MS,
    THINK_TIMES_MS,
    arrivals_sentence,
    draw_arrivals,
    draw_load,
    first_come_text,
    scenario_of_arrivals,
)
from orchestrator.quiz.servers import Mechanism, Server, draw_server, models_with
from orchestrator.quiz.theory import Load, first_come, makespan, ms_text, rounds

LEAD_MS = 30
"""By how much the longest wait exceeds every other."""

SAME, CLEARLY = 0.15, 1.4
"""Two makespans that differ by a smaller share are the same; others differ by this factor."""

MOST_ROUNDS = 3
NEITHER = "neither"


def ask_longest_wait(dice: Dice) -> Draft | None:
    """Draft the question which of several arrivals waits longest for a worker."""
    server, gap_ms, services_ms = draw_arrivals(dice)
    served = first_come(server.workers, gap_ms, services_ms)
    *_, second, longest = sorted(each.wait_ms for each in served)
    if longest - second < LEAD_MS or served[-1].end_ms > LONGEST_MS:
        return None
    options = [f"user {number}" for number in range(len(served))]
    user = [each.wait_ms for each in served].index(longest)
    if user == len(served) - 1 and not dice.rarely():
        return None
    return Draft(
        setting=f"{server.sentence} {arrivals_sentence(gap_ms, services_ms)}",
        question="Which user waits longest until the service of its message begins?",
        scenario=scenario_of_arrivals(server, gap_ms, services_ms),
        measure=lambda seen: options[seen[0].longest_wait()],
        derived=options[user],
        why=f"{first_come_text(server, served)} So user {user} waits longest.",
        answer=lambda right: Choice(options, frozenset({str(right)})),
    )


def ask_first_done(dice: Dice) -> Draft | None:
    """Draft the question which of two models is done first with the same load."""
    servers = _draw_two(dice)
    if servers is None:
        return None
    one, other = servers
    load = draw_load(dice, one if one.mechanism in _WITHOUT_THINKING else other)
    first, second = makespan(one, load), makespan(other, load)
    shortest, longest = sorted((first.ms, second.ms))
    is_clear = longest >= CLEARLY * shortest or longest == shortest
    if not is_clear or shortest < SHORTEST_MS or longest > LONGEST_MS:
        return None
    if longest == shortest and not dice.rarely():
        return None
    options = [one.model, other.model, NEITHER]
    why = f"{one.model}: {first.why} {other.model}: {second.why}"
    return Draft(
        setting=f"{one.sentence} {other.sentence} {load.sentence}",
        question=f"Which is done first with this load, {one.model} or {other.model}? If both take "
        f"equally long, the answer is {NEITHER}.",
        scenario={
            "models": [one.model, other.model],
            "server": {
                **one.settings,
                **other.settings,
                "workers": max(one.workers, other.workers),
            },
            "clients": [load.group],
        },
        measure=lambda seen: options[_first_done(seen)],
        derived=options[_index_of_first(first.ms, second.ms)],
        why=why,
        answer=lambda right: Choice(options, frozenset({str(right)})),
    )


_WITHOUT_THINKING = (Mechanism.BLOCKED, Mechanism.SHARED)
_PAIRED = (*Mechanism, Mechanism.POOL)


def _draw_two(dice: Dice) -> tuple[Server, Server] | None:
    """Return two models; if both have pools, these are equal, since a scenario has one number."""
    one, other = draw_server(dice, _PAIRED), draw_server(dice, _PAIRED)
    mechanisms = {one.mechanism, other.mechanism}
    if one.model == other.model or mechanisms >= {Mechanism.LOOP, Mechanism.BLOCKED}:
        return None
    if one.workers > 1 and other.workers > 1:
        other = Server(other.model, other.mechanism, one.workers)
    return one, other


def _first_done(seen: Sequence[Observed]) -> int:
    return _index_of_first(seen[0].makespan_s(), seen[1].makespan_s())


def _index_of_first(one: float, other: float) -> int:
    """Return 0 or 1 for the smaller of two makespans, 2 if they are the same."""
    if abs(one - other) <= SAME * max(one, other):
        return 2
    return 0 if one < other else 1


def ask_workers(dice: Dice) -> Draft | None:
    """Draft the question how many workers are needed to be done in time."""
    model = dice.pick(models_with(Mechanism.POOL))
    load = Load(
        dice.whole(4, 12), dice.whole(2, 4), dice.pick((30, 40, 50, 60)), dice.pick(THINK_TIMES_MS)
    )
    needed = dice.whole(2, load.users - 1)
    fewer, count = rounds(load.users, needed - 1), rounds(load.users, needed)
    if fewer == count or count > MOST_ROUNDS or fewer * load.conversation_ms > 2 * LONGEST_MS:
        return None
    limit_ms = count * load.conversation_ms + load.conversation_ms // 2
    return Draft(
        setting=f"{model} has a pool of workers. Each serves one connection until its client "
        f"closes it. {load.sentence}",
        question="What is the smallest number of workers with which all is done within "
        f"{ms_text(limit_ms)}?",
        scenario={
            "models": [model],
            "matrix": {"workers": [needed - 1, needed]},
            "clients": [load.group],
        },
        measure=lambda seen: _fewest(seen, needed, limit_ms / 1e3),
        derived=float(needed),
        why=f"A worker keeps a connection for {load.conversation}, so in {ms_text(limit_ms)} it "
        f"can serve {counted(count, 'users')}, one after another. {load.users} users need "
        f"⌈{load.users} / {count}⌉ = {needed} workers. With {needed - 1}, the last of "
        f"{counted(fewer, 'rounds')} ends after {ms_text(fewer * load.conversation_ms)}.",
        answer=_count,
        mistakes={
            float(load.users): "A worker for each user is in time, but fewer are, too.",
            float(needed + 1): "That is in time, but one worker less is, too.",
        },
    )


def _fewest(seen: Sequence[Observed], needed: int, limit_s: float) -> float:
    """Return the fewest workers in time, from runs with one less than ``needed``, and with it."""
    if seen[0].makespan_s() <= limit_s:
        return float(needed - 1)
    return float(needed if seen[1].makespan_s() <= limit_s else needed + 1)


def _count(right: Value) -> Amount:
    return Amount(float(right), COUNT)
