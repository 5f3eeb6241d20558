"""Groups of every executor and behaviour at once, on local processes and on containers."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from labkit.wire.samples import OUTCOMES
from tests.e2e.lab_fixtures import Lab

pytestmark = pytest.mark.together

RUNS = [
    ("process", ["prefork", "threaded", "epoll"]),
    pytest.param("docker", ["prefork"], marks=pytest.mark.docker),  # a container for each replica
]

EVERYTHING = """\
intent: Does everything add up, whoever sends and however?
models: [MODELS]
server: {workers: 40, backlog: 512}
clients:
  - {name: polite, executor: closed, users: 4, messages: 20, demand: sleep=exponential(2ms),
     think_time: exponential(5ms), replicas: 2}
  - {name: pool, executor: open, rate: 100/s, duration: 1s, connections: 3, arrivals: poisson,
     demand: "sleep=hyperexponential(2ms, scv=4)"}
  - {name: each, executor: open, rate: 50/s, duration: 1s, connections: each, replicas: 2,
     demand: [sleep=1ms+cpu=100us, cpu=100us]}
  - {name: ramped, executor: ramp, think_time: 5ms,
     demand: "cpu=50us+sleep=bimodal(1ms, 9ms, share=0.9)",
     stages: [{duration: 400ms, users: 5}, {duration: 400ms, users: 0}]}
  - {name: rates, executor: ramp, connections: each, demand: sleep=1ms,
     stages: [{duration: 500ms, rate: 100/s}, {duration: 500ms, rate: 0/s}]}
  - {name: bye, executor: closed, users: 1, messages: 3, demand: sleep=1ms, behaviour: no-goodbye}
  - {name: piped, executor: closed, users: 2, messages: 30, demand: sleep=1ms,
     behaviour: pipeline, pipeline: 8}
  - {name: slow, executor: closed, users: 2, messages: 1, demand: sleep=1ms,
     behaviour: slow-sender, pace: 2ms}
  - {name: reader, executor: closed, users: 1, messages: 10, demand: sleep=1ms,
     behaviour: slow-reader, pace: 2ms}
  - {name: mute, executor: closed, users: 2, duration: 500ms, behaviour: silent}
  - {name: rst, executor: closed, users: 2, messages: 1, demand: sleep=50ms, behaviour: reset,
     pace: 10ms}
  - {name: gone, executor: closed, users: 2, messages: 1, demand: sleep=50ms, behaviour: vanish,
     pace: 10ms}
  - {name: noise, executor: closed, users: 2, messages: 1, behaviour: garbage, duration: 1s}
  - {name: big, executor: closed, users: 2, messages: 1, behaviour: oversize, duration: 1s}
timeout: 20s
expect:
  all:
    - polite.acked == 80
    - each.acked == 50
    - rates.acked == 50
    - piped.acked == 60
    - bye.acked + slow.acked + reader.acked == 15
    - rst.in_flight + gone.in_flight == 4
    - mute.connected == 2
    - dropped == 0
    - noise.closed_early == 2
    - big.acked == 0
    - big.errors <= 2
"""


@pytest.mark.parametrize(("backend", "models"), RUNS)
def test_the_counts_of_all_groups_add_up(
    lab: Lab, tmp_path: Path, backend: str, models: list[str]
) -> None:
    scenario = tmp_path / "everything.yaml"
    scenario.write_text(EVERYTHING.replace("MODELS", ", ".join(models)))
    ended = lab.run(scenario, "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    (folder,) = ended.results
    planned = {}
    for model in models:
        case = ended.case(model)
        requests = np.load(folder / "samples" / model / "requests.npy", allow_pickle=False)
        assert len(requests) == case["measures"]["sent"]
        assert (requests["outcome"] == OUTCOMES.index("acked")).sum() == case["measures"]["acked"]
        sent = [group["sent"] for group in case["groups"].values() if "sent" in group]
        assert sum(sent) == len(requests)
        _check_instants(requests)
        planned[model] = case["groups"]["pool"]["sent"]
    assert len(set(planned.values())) == 1  # the same arrivals for every model


def _check_instants(requests: "np.ndarray[tuple[int], np.dtype[np.void]]") -> None:
    """Assert that the phases of an acknowledged request follow one another."""
    acked = requests[requests["outcome"] == OUTCOMES.index("acked")]
    order = ["due_ns", "sent_ns", "received_ns", "started_ns", "finished_ns", "first_byte_ns",
             "ended_ns"]  # fmt: skip
    for earlier, later in itertools.pairwise(order):
        assert (acked[earlier] <= acked[later]).all(), (earlier, later)
    for column in ("begun_ns", "connected_ns", "accepted_ns", "acked_ns"):
        assert (acked[column] > 0).all(), column
    assert (acked["begun_ns"] <= acked["connected_ns"]).all()
    assert (acked["connected_ns"] <= acked["sent_ns"]).all()
