"""Claims whose models or settings are swapped come out contrary.

Figures are those of a made-up machine on which every claim is as known.
"""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from orchestrator.campaign.claims import exit_code
from orchestrator.results.reproduction import ClaimResult, Verdict
from orchestrator.scenario.plan import Run
from orchestrator.scenario.variables import FULL
from tests.unit.docs.claim_file_fixtures import SWAPS, Measured, verdicts

CONNECTIONS = 1500.0
ABOVE_SINGLE_US = {
    "single": 0,
    "fork_per_connection": 1500,
    "thread_per_connection": 160,
    "prefork_epoll": 300,
    "prefork_pass": 80,
    "threaded": 50,
    "prefork": 30,
    "prethreaded": 20,
}
SHARES = {"prefork": (0.95, 1.05), "prefork_pass": (0.0, 2.5)}
"""Connections of the idlest and of the busiest worker, as shares of an even one."""
P99_S = {
    ("prefork", None): 0.028,
    ("reuseport", None): 0.077,
    ("prefork", "180/s"): 0.027,
    ("prefork", "260/s"): 0.037,
    ("prefork", "360/s"): 0.119,
    ("reuseport", "180/s"): 0.042,
    ("reuseport", "260/s"): 0.066,
    ("reuseport", "360/s"): 0.230,
}
SOONEST_S, REST_OF_LONG_S = 0.02, 1.95


def above_single_us(run: Run) -> float:
    """Return what a connection costs the server beyond ``single``.

    120 processes cost twice as much as 15, and three times in every other round. A record lock is
    cheaper than a semaphore, and dearer in every other round.
    """
    model, axes = run.case.model, run.case.axes
    if model == "prefork_lock":
        return 50 + (5 if str(axes["accept_lock"]) == "semaphore" else 10 * (run.repeat % 2))
    times = 2 + run.repeat % 2 if str(axes.get("workers")) == "120" else 1
    return ABOVE_SINGLE_US.get(model, 0) * times


def waits(model: str, axes: Mapping[str, object]) -> float:
    """Return how often a process waits for a connection, and for what it sends."""
    return 1.0 + (int(str(axes["workers"])) if model == "prefork_epoll" else 1)


def of_short_s(run: Run) -> tuple[float, float]:
    """Return the shortest and the longest response time of the messages beside a long one."""
    model, settings = run.case.model, run.case.settings
    computes = "cpu" in str(settings.groups[0].demand)
    has_one = settings.server.workers == 1 and model in {"prefork", "reuseport"}
    is_alone = model == "single" or has_one
    if is_alone or (model == "epoll" and computes):
        return REST_OF_LONG_S, REST_OF_LONG_S
    return SOONEST_S, REST_OF_LONG_S if model == "reuseport" else SOONEST_S


def measured(run: Run) -> Measured:
    """Return what ``run`` measures on the made-up machine."""
    model, axes = run.case.model, run.case.axes
    soonest_s, longest_s = of_short_s(run)
    least, most = SHARES.get(model, (1.0, 1.0))
    sent = 11.0 if len(run.case.settings.groups) > 1 else CONNECTIONS
    return {
        "sent": sent,
        "acked": sent,
        "connected": sent,
        "failed": 0.0,
        "dropped": 0.0,
        "cpu_time_per_message": (200 + above_single_us(run)) / 1e6,
        "context_switches_voluntary_per_message": waits(model, axes),
        "connections_per_worker_min": least * CONNECTIONS / 15,
        "connections_per_worker_max": most * CONNECTIONS / 15,
        "response_time_p99": P99_S.get((model, str(axes["rate"]) if "rate" in axes else None), 1.0),
        "short.response_time_p10": soonest_s,
        "short.response_time_max": longest_s,
    }


def tried(name: str, settings: Mapping[str, str] = MappingProxyType({})) -> list[ClaimResult]:
    """Return the verdicts on the claims of a file on the made-up machine, with ``settings``."""
    return verdicts(name, measured, settings, FULL)


FILES = [
    "head_of_line",
    "stevens_balance",
    "stevens_children",
    "stevens_control",
    "stevens_herd",
    "stevens_locks",
    "zygos",
    "zygos_two",
]


@pytest.mark.parametrize("name", FILES)
def test_unbroken_every_claim_is_as_known(name: str) -> None:
    claims = tried(name)
    assert [each.verdict for each in claims] == [each.known for each in claims]
    assert exit_code(claims) == 0


@pytest.mark.parametrize(("name", "settings", "contrary"), SWAPS)
def test_swapped_a_claim_comes_out_contrary(
    name: str, settings: dict[str, str], contrary: dict[int, Verdict]
) -> None:
    claims = tried(name, settings)
    assert {index: claims[index].verdict for index in contrary} == contrary
    assert all(contrary[index] is not claims[index].known for index in contrary)
    assert exit_code(claims) == 1
