"""Texts of scenarios with one error, and the words that an error may contain."""

from collections.abc import Callable

from orchestrator.scenario.models import own_settings

Problems = Callable[[str | bytes], list[str]]

GOOD = """\
intent: Who waits?
clients:
  - executor: closed
    users: 7
    messages: 5
"""
"""Five good lines, for a bad sixth."""

RAMP = "intent: x\nclients:\n  - executor: ramp\n    stages: {}\n"
OPEN = (
    "intent: x\nclients:\n  - executor: open\n    rate: {}\n    duration: 2s\n"
    "    connections: {}\n    replicas: 3\n"
)
GROUPS = "intent: x\nclients:\n" + "".join(
    f"  - {{{{name: {name}, executor: closed, users: {{0}}, messages: 1, replicas: {{1}}}}}}\n"
    for name in "ab"
)
KEYS = (
    "intent, source, target, models, server, limits, interpreter, backend, clients, matrix, "
    "ignores, tuned, expect, guess, compare, claims, "
    "answer, show, faults, abort, validity, repeats, retries_of_invalid, order, warmup, timeout, "
    "seed, seeds, variables, tiers"
)
SERVER_KEYS = ", ".join(
    (
        "workers, backlog, work, service_time, max_message_bytes, max_service_time, idle_timeout",
        "drain_timeout, blocking_sleep",
        *own_settings(),
    )
)
GROUP_KEYS = (
    "executor, name, replicas, demand, start, connect_timeout, answer_timeout, deadline, place"
)
CLIENT_KEYS = f"{GROUP_KEYS}, users, messages, duration, think_time, behaviour, pipeline, pace"
OPEN_KEYS = f"{GROUP_KEYS}, rate, duration, connections, arrivals, retry"
EXECUTORS = "closed, open, ramp"
MODELS = "single, prefork, threaded, epoll"
UNIT = "write a number and a unit: us, ms, s, m"
DEMAND = (
    "write e.g. sleep=100ms, cpu=5ms, several parts, sleep=10ms+cpu=2ms, or a distribution, "
    "sleep=exponential(100ms)"
)
LAWS = "exponential(50ms), hyperexponential(50ms, scv=4) or bimodal(5ms, 100ms, share=0.9)"
LAW = f"is neither a duration nor a distribution; write 50ms, {LAWS}"
SIZE = "write a size: a number and B, kB, KB, MB, GB, KiB, MiB, GiB"
TEXT = "write text, in quotes if it looks like a number"
EMPTY = "2:10: clients: the list is empty; write at least one group"
LIST = "write a list, e.g. [a, b]"
MAP = "write a map, e.g. {a: 1, b: 2}"
