"""The capacity search, measured on real servers of which the truth is known exactly.

The greatest load at which 99% of the responses take at most ten mean service times, of Poisson
arrivals with a connection each and exponential demands: the queue M/M/c. Where a hash chooses one
of several queues, each of them is the queue of one worker.
"""

import json
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab
from tests.queue_fixtures import LIMIT_S, capacity_of

MOST_LOADS = 12
BUSY = 0.97
CODES = (0, 4)
"""4 if the bounds are wider than asked, which is no error: where they lie is what is judged."""

DEADLINE_S = 1700.0
SCENARIO = """\
intent: How much do {workers} workers of {model} bear?
models: [{model}]
server: {{workers: {workers}, backlog: 4096}}
clients:
  - executor: open
    rate: 10/s
    duration: 1s
    arrivals: poisson
    connections: each
    demand: sleep=exponential({demand_ms}ms)
"""


class Known(NamedTuple):
    """A case: ``queue`` is how many workers share a queue, ``within`` a share of workers' time.

    The ``width`` is such that the middle of two right bounds is about that near to the truth.
    """

    model: str
    workers: int
    queue: int
    demand_ms: int
    width: str
    within: float


CASES = [
    Known("prefork", 1, 1, 5, "20%", 0.05),
    Known("prefork", 2, 2, 5, "8%", 0.03),
    Known("prefork", 4, 4, 10, "6%", 0.03),
    Known("prefork", 5, 5, 10, "6%", 0.03),
    Known("reuseport", 4, 1, 5, "10%", 0.03),
]


def busy_share_per_load(found: dict[str, Any]) -> float:
    """Return the share of the workers' time that a load of 1/s takes, as measured.

    A sleep of 10 ms takes longer, so that it is more than the nominal one, and the limit is a bit
    less than ten mean service times. Workers that are busy all the time have served less than the
    load.
    """
    shares: list[float] = [
        trial["utilization"] / load["load"]
        for load in found["loads"]
        for trial in load["trials"]
        if trial["utilization"] is not None and trial["utilization"] < BUSY
    ]
    return median(shares)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("known", CASES, ids=lambda known: f"{known.model}-{known.workers}")
def test_the_capacity_of_a_queue_is_found(tmp_path: Path, known: Known) -> None:
    scenario = tmp_path / "capacity.yaml"
    scenario.write_text(SCENARIO.format(**known._asdict()), encoding="utf-8")
    limit_ms = LIMIT_S * known.demand_ms
    ended = Lab(ROOT, tmp_path / "results").orchestrate(
        "capacity", scenario, "--slo", f"p99 <= {limit_ms:g}ms", "--width", known.width,
        "--backend", "process", "--json", deadline_s=DEADLINE_S,
    )  # fmt: skip
    assert ended.code in CODES, ended.out + ended.err
    (found,) = json.loads(ended.out)["cases"]
    per_load = busy_share_per_load(found)
    lower, upper = found["lower"] * per_load, found["upper"] * per_load
    trials = sum(len(each["trials"]) for each in found["loads"])
    limit_in_services = limit_ms / 1000 / (per_load * known.workers)
    truth = capacity_of(known.queue, limit_in_services) / known.queue
    middle = (lower + upper) / 2
    print(
        f"\n{known.model}, {known.workers} workers: {lower:.1%} to {upper:.1%} of their time, "
        f"in the middle {middle:.1%}; truth {truth:.1%} at {limit_in_services:.2f} services; "
        f"{len(found['loads'])} loads, {trials} trials"
    )
    assert len(found["loads"]) <= MOST_LOADS
    assert abs(middle - truth) <= known.within
