"""Retries of real clients against a real server, on local processes."""

from pathlib import Path

import numpy as np
import pytest

from labkit.wire.samples import OUTCOMES
from tests.e2e.lab_fixtures import Lab

SCENARIO = """\
intent: Are messages sent again that time out?
models: [{model}]
server: {{backlog: 4096}}
clients:
  - {{executor: open, rate: 100/s, duration: 1s, connections: {connections}, replicas: 2,
      demand: {demand}, answer_timeout: 100ms, deadline: 150ms,
      retry: {{attempts: 3, budget: {budget}, backoff: doubling(20ms)}}}}
expect:
  all:
    - sent == 100
    - sent == acked + failed
    - retries <= {budget} * sent
    - timed_out == retries + failed
    - errors == timed_out
    - goodput <= throughput
    - failed > 0
    - {retries}
"""
"""A worker of 20 ms serves 50 of 100 messages a second; its queue grows by 10 ms in 20 ms."""


SINGLE = {"model": "single", "connections": "each", "demand": "sleep=20ms"}
EPOLL = {"model": "epoll", "connections": "each", "demand": "cpu=20ms"}


@pytest.mark.parametrize(
    "given",
    [
        {**SINGLE, "budget": "0%", "retries": "retries == 0"},
        {**SINGLE, "budget": "30%", "retries": "retries > 0"},
        {**EPOLL, "budget": "30%", "retries": "retries > 0"},
        {**EPOLL, "budget": "30%", "retries": "retries > 0", "connections": "40"},
    ],
)
def test_messages_that_time_out_are_sent_again_within_the_budget(
    lab: Lab, tmp_path: Path, given: dict[str, str]
) -> None:
    scenario = tmp_path / "again.yaml"
    scenario.write_text(SCENARIO.format(**given))
    ended = lab.run(scenario, "--backend", "process")
    assert ended.code == 0, ended.out + ended.err
    measures = ended.case(given["model"])["measures"]
    (samples,) = ended.results[0].rglob("requests.npy")
    rows = np.load(samples)
    outcome = [OUTCOMES[code] for code in rows["outcome"]]
    assert outcome.count("retried") == measures["retries"]
    assert len(rows) == measures["sent"] + measures["retries"]
    for message in np.unique(rows["message"]):
        attempts = rows[rows["message"] == message]
        attempts = attempts[np.argsort(attempts["sent_ns"])]
        codes = [OUTCOMES[code] for code in attempts["outcome"]]
        assert codes[:-1] == ["retried"] * (len(codes) - 1)
        assert codes[-1] in {"acked", "timed_out"}
        assert len(codes) <= 3
        assert len(np.unique(attempts["due_ns"])) == 1
        assert len(np.unique(attempts["user"])) == len(attempts)
    given_up = rows[rows["outcome"] != OUTCOMES.index("acked")]
    assert np.count_nonzero(given_up["finished_ns"]) > 0  # served although the client had gone
