"""The lab's client beside one in C in an open loop: punctuality, and agreement of the figures.

The server in C, 64 connections that stay, evenly spaced arrivals: both clients send the same
pattern, and the response times of both count from when an arrival was due. The rate is half of what
the lab's client reached in a closed loop a moment before.

How far two clients are apart is signed, so that noise cancels out of the median and what is left is
the instrument. The one in C takes part twice: its distance from itself is what the machine does.

A scheduler that gives the core to others for 3 ms, once in 0.3 s, makes the whole p99. So a window
in which client or server waited for a core is repeated, and the least disturbed one is taken. Only
rounds in which neither waited count; if there are none, all are shown and no target is checked.
"""

import statistics
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.compiled import build
from benchmarks.contestants import Contestant, limit
from benchmarks.load import run_client
from benchmarks.machine import waited_s
from benchmarks.measures.throughput import CONNECTIONS
from benchmarks.rounds import Effort, interleave
from benchmarks.running import running
from benchmarks.tables import Table, Target

LAB, C, C_AGAIN = "lab", "c", "c again"
LAG_US = 1_000
CLOSED_MESSAGES = 1_500  # of each user, in each of the closed loops that find the rate
CLOSED_RUNS = 3
PARTS = 2  # of each round: short windows are disturbed less often
TRIES = 6
QUIET = 0.01  # share of a window that both waited for their cores; waking up alone takes 0.007
SHORTEST_S = 0.4
ALLOWED_SHARE, ALLOWED_US = 0.10, 20.0


def measure(effort: Effort) -> list[Table]:
    """Return tables of response times, of the lag, and of how far the clients are apart."""
    rate = round(_closed_per_s(), -3) / 2
    seconds = max(effort.seconds / PARTS, SHORTEST_S)

    def run(client: Contestant) -> dict[str, Any]:
        arguments = (str(CONNECTIONS), str(rate), str(seconds))
        tries: list[dict[str, Any]] = []
        while len(tries) < TRIES and (not tries or tries[-1]["waited"] > QUIET):
            tries.append(_window(client, arguments))
        return min(tries, key=lambda figures: float(figures["waited"]))

    in_c = (str(build("load")), "open")
    clients = [Contestant(LAB, _lab("lab_open")), Contestant(C, in_c), Contestant(C_AGAIN, in_c)]
    figures = interleave(clients, PARTS * effort.rounds, run)
    return tables(f"open loop, {CONNECTIONS} connections, {rate:,.0f}/s", undisturbed(figures))


def undisturbed(figures: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return the rounds in which no client and no server waited for its core; if none, all."""
    rounds = list(zip(*figures.values(), strict=True))
    quiet = [each for each in rounds if max(one["waited"] for one in each) <= QUIET]
    return dict(zip(figures, map(list, zip(*(quiet or rounds), strict=True)), strict=True))


def tables(title: str, figures: dict[str, list[dict[str, Any]]]) -> list[Table]:
    """Return the tables of each client and round; with targets only if no program waited."""
    is_quiet = all(one["waited"] <= QUIET for rounds in figures.values() for one in rounds)
    if not is_quiet:
        title += " (disturbed: nothing is decided)"
    p50, p99 = _column(figures, "p50_us"), _column(figures, "p99_us")
    distances = {
        f"{name} {one} - c": apart(times_us[one], times_us[C])
        for name, times_us in (("p50", p50), ("p99", p99))
        for one in (LAB, C_AGAIN)
    }
    bounds = [
        Target(f"{name} {LAB} - c", sign * 1.0, at_least=sign < 0)
        for name in ("p50", "p99")
        for sign in (1, -1)
    ]
    notes = {name: _busy_note(rounds) for name, rounds in figures.items()}
    lag = [Target(LAB, LAG_US, at_least=False)] if is_quiet else []
    return [
        Table(f"{title}: p50 of response times", "us", p50, notes=notes),
        Table(f"{title}: p99 of response times", "us", p99),
        Table(
            f"{title}: p99 of the lag of the schedule", "us", _column(figures, "lag_p99_us"), lag
        ),
        Table(
            f"{title}: how far apart, of what is allowed",
            "x",
            distances,
            bounds if is_quiet else [],
        ),
    ]


def _window(client: Contestant, arguments: Sequence[str]) -> dict[str, Any]:
    with running(limit()) as server:
        waited_before_s = waited_s(server.pid)
        command = (*client.command, str(server.port), *arguments)
        figures, used_s = run_client(command, server, float(arguments[-1]))
        seconds = figures["seconds"]
        figures["waited"] += (waited_s(server.pid) - waited_before_s) / seconds
        return {**figures, "server_busy": used_s / seconds}


def _lab(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benchmarks.clients.{module}")


def _closed_per_s() -> float:
    """Return how many messages a second the lab's client exchanges in a closed loop, at its best.

    What others take from the cores can only slow it down.
    """
    rates: list[float] = []
    for _ in range(CLOSED_RUNS):
        with running(limit()) as server:
            command = [*_lab("lab"), str(server.port), str(CONNECTIONS), str(CLOSED_MESSAGES)]
            figures, _used_s = run_client(command, server, 1.0)
        rates.append(figures["messages"] / figures["seconds"])
    return max(rates)


def _column(figures: dict[str, list[dict[str, Any]]], name: str) -> dict[str, list[float]]:
    return {client: [one[name] for one in rounds] for client, rounds in figures.items()}


def apart(times_us: Sequence[float], others_us: Sequence[float]) -> list[float]:
    """Return how far each is above the other; 1 is the allowed difference (10%, or 20 us)."""
    return [
        (own - other) / max(ALLOWED_SHARE * other, ALLOWED_US)
        for own, other in zip(times_us, others_us, strict=True)
    ]


def _busy_note(rounds: Sequence[dict[str, Any]]) -> str:
    server = statistics.fmean(one["server_busy"] for one in rounds)
    load = statistics.fmean(one["busy"] for one in rounds)
    waited = max(one["waited"] for one in rounds)
    return (
        f"server busy {server:.0%}, load busy {load:.0%}; {len(rounds)} rounds, "
        f"waited for a core {waited:.1%} at most"
    )
