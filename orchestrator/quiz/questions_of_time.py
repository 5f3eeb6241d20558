"""Questions about how long: the makespan, a response time, a wait, and the throughput."""

from orchestrator.measures.dimensions import RATE, TIME
from orchestrator.measures.sentences import joined
from orchestrator.quiz.answers import Amount, Value
from orchestrator.quiz.dice import Dice
from orchestrator.quiz.problem import Draft
from orchestrator.quiz.servers import KEEPING, SIDE_BY_SIDE, Mechanism, Server, draw_server
from orchestrator.quiz.theory import (
    Load,
    Served,
    first_come,
    first_response,
    makespan,
    ms_text,
    rounds,
    schedule_text,
)

SERVICES_MS = (20, 30, 40, 50, 60, 80, 100)
THINK_TIMES_MS = (0, 0, 0, 50, 100, 150)
GAPS_MS = (20, 25, 40, 50)
ARRIVALS_MS = (40, 60, 80, 100, 150, 200, 250, 300)
SHORTEST_MS, LONGEST_MS = 150, 1_500
"""How long a load may take: long enough to measure, and short enough to wait for."""

LEAST_OF_RATE_MS = 400
ONE_BY_ONE = "That is the time if one user is served after another."
NO_WAIT = "That is the time if no user waits for another."
_POOLS = (Mechanism.ONE, Mechanism.POOL, Mechanism.POOL, Mechanism.POOL)
_ALL = (*_POOLS, Mechanism.EACH, Mechanism.LOOP, Mechanism.BLOCKED, Mechanism.SHARED)


def ask_makespan(dice: Dice) -> Draft | None:
    """Draft the question how long it takes until the last message is answered."""
    server = draw_server(dice, _ALL)
    load = draw_load(dice, server)
    derived = makespan(server, load)
    if not SHORTEST_MS <= derived.ms <= LONGEST_MS:
        return None
    return Draft(
        setting=f"{server.sentence} {load.sentence}",
        question="How long does it take until the last message is answered?",
        scenario=scenario_of(server, load),
        measure=lambda seen: seen[0].makespan_s(),
        derived=derived.ms / 1e3,
        why=derived.why,
        answer=_duration,
        mistakes=_mistakes_of_makespan(server, load),
    )


def draw_load(dice: Dice, server: Server) -> Load:
    """Return a load for ``server``; think times only if a formula knows them."""
    thinks = server.mechanism in KEEPING or server.mechanism in SIDE_BY_SIDE
    return Load(
        users=dice.whole(2, 10),
        messages=dice.whole(1, 5),
        service_ms=dice.pick(SERVICES_MS),
        think_ms=dice.pick(THINK_TIMES_MS) if thinks else 0,
    )


def scenario_of(server: Server, load: Load) -> dict[str, object]:
    """Return the scenario of one server under one load."""
    return {"models": [server.model], "server": server.settings, "clients": [load.group]}


def _mistakes_of_makespan(server: Server, load: Load) -> dict[float, str]:
    each_ms, workers = load.conversation_ms, server.workers
    found = {load.users * each_ms / 1e3: ONE_BY_ONE, each_ms / 1e3: NO_WAIT}
    if load.think_ms and load.messages > 1:
        served_ms = rounds(load.users, workers) * load.messages * load.service_ms
        text = "That leaves out the think times, in which a worker keeps the connection."
        found.setdefault(served_ms / 1e3, text)
    if server.mechanism is Mechanism.POOL:
        text = "That shares the last round among all workers, but one worker serves a connection."
        found.setdefault(load.users * each_ms / workers / 1e3, text)
    if server.mechanism is Mechanism.SHARED:
        text = "That is the time if a thread kept its connection until it is closed."
        found.setdefault(rounds(load.users, workers) * each_ms / 1e3, text)
    return found


def ask_first_response(dice: Dice) -> Draft | None:
    """Draft the question how long the first response of one of several users takes."""
    server = draw_server(dice, (*_POOLS, Mechanism.LOOP, Mechanism.SHARED))
    load = draw_load(dice, server)
    user = dice.whole(1, load.users - 1)
    derived = first_response(server, load, user)
    if makespan(server, load).ms > LONGEST_MS or derived.ms < 2 * SERVICES_MS[0]:
        return None
    if derived.ms == load.service_ms and not dice.rarely():  # nobody is ahead
        return None
    wait = "That is how long it waits, and its own service comes on top."
    mistakes = {
        (derived.ms - load.service_ms) / 1e3: wait,
        user * load.conversation_ms / 1e3 + load.service_ms / 1e3: ONE_BY_ONE,
        load.service_ms / 1e3: NO_WAIT,
    }
    return Draft(
        setting=f"{server.sentence} {load.sentence}",
        question=f"How long is the response time of the first message of user {user}?",
        scenario=scenario_of(server, load),
        measure=lambda seen: seen[0].first_response_s(user),
        derived=derived.ms / 1e3,
        why=derived.why,
        answer=_duration,
        mistakes=mistakes,
    )


def ask_throughput(dice: Dice) -> Draft | None:
    """Draft the question how many messages per second are answered."""
    server = draw_server(dice, (*_POOLS, Mechanism.EACH, Mechanism.LOOP, Mechanism.SHARED))
    load = draw_load(dice, server)
    derived, total = makespan(server, load), load.users * load.messages
    if not LEAST_OF_RATE_MS <= derived.ms <= LONGEST_MS or load.service_ms < SERVICES_MS[2]:
        return None
    per_s, of_one = total * 1e3 / derived.ms, 1e3 / load.service_ms
    mistakes = {
        of_one: "That is one worker that is never idle.",
        load.users * of_one: "That is all users served side by side, and none of them thinks.",
        server.workers * of_one: "That is all workers busy from the start to the end.",
    }
    return Draft(
        setting=f"{server.sentence} {load.sentence}",
        question="How many messages per second are answered, from the start to the last ack?",
        scenario=scenario_of(server, load),
        measure=lambda seen: seen[0].throughput_per_s(),
        derived=per_s,
        why=f"{derived.why} In this time {total} messages are answered: {total} / "
        f"{ms_text(derived.ms)} = {per_s:.3g} per second.",
        answer=lambda right: Amount(float(right), RATE),
        mistakes=mistakes,
    )


def ask_wait(dice: Dice) -> Draft | None:
    """Draft the question how long one of several arrivals waits for a worker."""
    server, gap_ms, services_ms = draw_arrivals(dice)
    served = first_come(server.workers, gap_ms, services_ms)
    user = dice.whole(1, len(served) - 1)
    wait_ms = served[user].wait_ms
    if not wait_ms or served[-1].end_ms > LONGEST_MS:
        return None
    mistakes = {
        (wait_ms + services_ms[user]) / 1e3: "That is its response time, with its own service.",
        served[user].begin_ms / 1e3: "That counts from the start, but it arrives later.",
        0.0: NO_WAIT,
    }
    return Draft(
        setting=f"{server.sentence} {arrivals_sentence(gap_ms, services_ms)}",
        question=f"How long does user {user} wait until the service of its message begins?",
        scenario=scenario_of_arrivals(server, gap_ms, services_ms),
        measure=lambda seen: seen[0].wait_s(user),
        derived=wait_ms / 1e3,
        why=first_come_text(server, served[: user + 1]),
        answer=_duration,
        mistakes=mistakes,
    )


def draw_arrivals(dice: Dice) -> tuple[Server, int, list[int]]:
    """Return a server, the time between two arrivals, and the service time of each, in ms."""
    server = draw_server(dice, (Mechanism.ONE, Mechanism.POOL, Mechanism.POOL), most_workers=3)
    users = server.workers + dice.whole(2, 4)
    return server, dice.pick(GAPS_MS), [dice.pick(ARRIVALS_MS) for _ in range(users)]


def arrivals_sentence(gap_ms: int, services_ms: list[int]) -> str:
    """Return the load of arrivals in two sentences."""
    return (
        f"{len(services_ms)} users arrive, one every {ms_text(gap_ms)}, the first at 0. Each "
        "connects, sends one message and closes. The services of users 0 to "
        f"{len(services_ms) - 1} wait {joined([ms_text(each) for each in services_ms])}."
    )


def scenario_of_arrivals(server: Server, gap_ms: int, services_ms: list[int]) -> dict[str, object]:
    """Return the scenario of arrivals with a connection each."""
    group = {
        "executor": "open",
        "rate": f"{1000 // gap_ms}/s",
        "duration": f"{gap_ms * len(services_ms)}ms",
        "connections": "each",
        "demand": [f"sleep={each}ms" for each in services_ms],
    }
    return {"models": [server.model], "server": server.settings, "clients": [group]}


def first_come_text(server: Server, served: list[Served]) -> str:
    """Return why arrivals are served when they are."""
    who = "the worker" if server.workers == 1 else "the worker that is free first"
    return f"Whoever arrived first gets {who}. {schedule_text(served)}"


def _duration(right: Value) -> Amount:
    return Amount(float(right), TIME)
