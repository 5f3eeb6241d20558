"""The capacity search, measured on real servers of which the truth is known exactly.

The greatest load at which 99% of the responses take at most ten mean service times, of Poisson
arrivals with a connection each and exponential demands: the queue M/M/c. Where a hash chooses one
of several queues, each of them is the queue of one worker.
"""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab
from tests.queue_fixtures import LIMIT_S, capacity_of

MOST_LOADS = 12
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
    """A case: ``queue`` is how many workers share a queue, ``within`` a share of workers' time."""

    model: str
    workers: int
    queue: int
    demand_ms: int
    width: str
    within: float


CASES = [
    Known("prefork", 1, 1, 10, "6%", 0.05),
    Known("prefork", 2, 2, 20, "5%", 0.03),
    Known("prefork", 4, 4, 20, "5%", 0.03),
    Known("prefork", 5, 5, 20, "4%", 0.03),
    Known("reuseport", 4, 1, 10, "6%", 0.03),
]


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
    share_of_time = known.demand_ms / 1000 / known.workers
    lower, upper = found["lower"] * share_of_time, found["upper"] * share_of_time
    loads = [each for each in found["loads"] if not each["is_confirmation"]]
    trials = sum(len(each["trials"]) for each in found["loads"])
    truth = capacity_of(known.queue) / known.queue
    print(
        f"\n{known.model}, {known.workers} workers: {lower:.1%} to {upper:.1%} of their time, "
        f"middle {(lower + upper) / 2:.1%}; truth {truth:.1%}; {len(loads)} loads, {trials} trials"
    )
    assert len(found["loads"]) <= MOST_LOADS
    assert abs((lower + upper) / 2 - truth) <= known.within
