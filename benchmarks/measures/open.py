"""The lab's client and the one in C in an open loop: do they keep time, do they see the same?

The server in C, 64 connections that stay, evenly spaced arrivals: both clients send the same
pattern, and the response times of both count from when an arrival was due. The rate is half of what
the lab's client reached in a closed loop a moment before.
"""

import statistics
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.compiled import build
from benchmarks.contestants import Contestant, limit
from benchmarks.load import run_client
from benchmarks.measures.throughput import CONNECTIONS
from benchmarks.rounds import Effort, interleave
from benchmarks.running import running
from benchmarks.tables import Table, Target

LAB, C = "lab", "c"
LAG_US = 1_000
CLOSED_MESSAGES = 1_500  # of each user, in each of the closed loops that tell the rate
CLOSED_RUNS = 3
ROUNDS = 2  # for each round of the other measures: a p99 is worth less than a mean
ALLOWED_SHARE, ALLOWED_US = 0.10, 20.0


def measure(effort: Effort) -> list[Table]:
    """Return tables of response times, of the lag, and of how far the clients are apart."""
    rate = round(_closed_per_s(), -3) / 2

    def run(client: Contestant) -> dict[str, Any]:
        with running(limit()) as server:
            arguments = (str(server.port), str(CONNECTIONS), str(rate), str(effort.seconds))
            told, used_s = run_client((*client.command, *arguments), server, effort.seconds)
            return {**told, "server_busy": used_s / told["seconds"]}

    clients = [Contestant(LAB, _lab("lab_open")), Contestant(C, (str(build("load")), "open"))]
    told = interleave(clients, ROUNDS * effort.rounds, run)
    title = f"open loop, {CONNECTIONS} connections, {rate:,.0f}/s"
    notes = {name: _busy_note(rounds) for name, rounds in told.items()}
    lags = _column(told, "lag_p99_us")
    p50, p99 = _column(told, "p50_us"), _column(told, "p99_us")
    apart = {f"p50 {LAB} - {C}": _apart(p50), f"p99 {LAB} - {C}": _apart(p99)}
    return [
        Table(f"{title}: p50 of response times", "us", p50, notes=notes),
        Table(f"{title}: p99 of response times", "us", p99),
        Table(
            f"{title}: p99 of the lag of the schedule", "us", lags,
            [Target(LAB, LAG_US, at_least=False)],
        ),
        Table(
            f"{title}: how far apart, of what is allowed", "x", apart,
            [Target(name, 1.0, at_least=False) for name in apart],
        ),
    ]  # fmt: skip


def _lab(module: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benchmarks.clients.{module}")


def _closed_per_s() -> float:
    """Return how many messages a second the lab's client exchanges in a closed loop."""
    rates = []
    for _ in range(CLOSED_RUNS):
        with running(limit()) as server:
            command = [*_lab("lab"), str(server.port), str(CONNECTIONS), str(CLOSED_MESSAGES)]
            told, _used_s = run_client(command, server, 1.0)
        rates.append(told["messages"] / told["seconds"])
    return statistics.median(rates)


def _column(told: dict[str, list[dict[str, Any]]], name: str) -> dict[str, list[float]]:
    return {client: [one[name] for one in rounds] for client, rounds in told.items()}


def _apart(times_us: dict[str, list[float]]) -> list[float]:
    """Return by how much the two differ in each round, in parts of a tenth or of 20 us."""
    return [
        abs(own - other) / max(ALLOWED_SHARE * other, ALLOWED_US)
        for own, other in zip(times_us[LAB], times_us[C], strict=True)
    ]


def _busy_note(rounds: Sequence[dict[str, Any]]) -> str:
    server = statistics.fmean(one["server_busy"] for one in rounds)
    load = statistics.fmean(one["busy"] for one in rounds)
    return f"server busy {server:.0%}, load busy {load:.0%}"
