"""Figures of the lab against known ones: servers, hogs and counters whose values are known.

Bounds are one-sided where another program could add to the figure.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ground_truth.recompute import recompute
from tests.e2e.lab_fixtures import Ended, Lab

KNOWN_SERVER = Path(__file__).with_name("known_server.py")
OPEN = "{executor: open, rate: 400/s, duration: 1s, connections: each, answer_timeout: 500ms}"
POOL = "{executor: open, rate: 100/s, duration: 1s, connections: 5}"
SEVEN = "{executor: closed, users: 7, messages: 1}"
HOG = """\
import time
share, period_s = {share}, 0.02
while True:
    begun_s = time.monotonic()
    end_s = time.thread_time() + share * period_s
    while time.thread_time() < end_s:
        pass
    time.sleep(max(begun_s + period_s - time.monotonic(), 0))
"""


def measure(lab: Lab, behaviour: str, clients: str, demand: str = "sleep=20ms") -> Ended:
    scenario = lab.out.parent / "known.yaml"
    group = clients.removesuffix("}") + f", demand: {demand}}}"
    scenario.write_text(
        "intent: Are the figures those that are known?\n"
        f"target: {{name: known, command: [{sys.executable}, {KNOWN_SERVER}, {behaviour}, "
        f"'{{port}}'], conformance: skip}}\nclients: [{group}]\n"
    )
    ended = lab.orchestrate(scenario, "--backend", "process", "--accept-invalid", "--out", lab.out)
    assert len(ended.results) == 1, ended.out + ended.err
    return ended


def figures(ended: Ended) -> Mapping[str, float]:
    found: Mapping[str, float] = ended.case("known")["measures"]
    return found


def test_dropped_doubled_and_late_acks_are_counted_and_timed(lab: Lab) -> None:
    """Of 400 messages 4 get no ack, 4 get two, and 4 get theirs 300 ms late."""
    ended = measure(lab, "faulty", OPEN)
    found = figures(ended)
    assert ended.code == 1  # errors == 0 is expected though the scenario expects nothing
    assert (found["sent"], found["acked"], found["failed"]) == (400, 396, 4)
    assert found["unanswered"] == 0.01
    assert (found["timed_out"], found["surplus_reply"]) == (4, 4)
    assert 0.020 <= found["response_time_p50_s"] < 0.030
    assert found["response_time_max_s"] >= 0.320


def test_a_server_that_freezes_is_slow_for_those_that_were_due_meanwhile(lab: Lab) -> None:
    """300 ms of each second: for 28% of the arrivals, evenly between 20 and 300 ms."""
    found = figures(measure(lab, "freezes", OPEN))
    assert found["acked"] == 400
    assert 0.020 <= found["response_time_p50_s"] < 0.060
    assert 0.200 <= found["response_time_p90_s"] < 0.260
    assert 0.290 <= found["response_time_max_s"] < 0.360


def test_context_switches_are_those_that_a_message_takes(lab: Lab) -> None:
    """Eight sleeps, and at most a few waits for the message itself."""
    found = figures(measure(lab, "switches", POOL))
    assert 8 <= found["context_switches_voluntary_per_message"] < 12


def test_overflows_and_retransmits_are_those_that_the_kernel_counted(lab: Lab) -> None:
    ended = measure(lab, "deaf", SEVEN)
    (log,) = ended.results[0].glob("raw/*/server.log")
    counted = json.loads(log.read_text())
    found = figures(ended)
    assert counted["ListenOverflows"] >= 5  # seven at once, and room for two
    assert found["listen_overflows"] == counted["ListenOverflows"]
    assert found["listen_drops"] == counted["ListenDrops"]
    assert found["retransmits"] == counted["RetransSegs"]


@contextmanager
def hog(share: float) -> Iterator[None]:
    """Use ``share`` of one CPU meanwhile.

    In a session of its own, as other programs are: the kernel's autogroups share the CPUs between
    sessions (sched(7)).
    """
    command = [sys.executable, "-S", "-E", "-c", HOG.format(share=share)]
    with subprocess.Popen(command, start_new_session=True) as program:
        try:
            yield
        finally:
            program.kill()


def test_a_hog_of_known_share_is_seen_as_that_share(lab: Lab) -> None:
    share = 0.6
    with hog(share):
        found = figures(measure(lab, "faulty", OPEN))
    known = share / (os.cpu_count() or 1)
    assert known - 0.03 <= found["host_busy"] < known + 0.10


def test_a_delay_by_hogs_is_by_how_much_service_took_longer_than_its_cpu_time(lab: Lab) -> None:
    """While the server computes its client waits, so only the hogs delay: two for each CPU."""
    scenario = lab.out.parent / "hogs.yaml"
    scenario.write_text(
        "intent: How much do other programs delay a server that computes?\nmodels: [epoll]\n"
        "clients: [{executor: closed, users: 1, messages: 6, demand: cpu=50ms}]\n"
    )
    with ExitStack() as hogs:
        for _ in range(2 * (os.cpu_count() or 1)):
            hogs.enter_context(hog(1.0))
        ended = lab.orchestrate(
            scenario, "--backend", "process", "--accept-invalid", "--out", lab.out
        )
    found = ended.case("epoll")["measures"]
    longer = 1 - 0.050 / found["time_in_service_s"]
    assert longer > 0.2
    assert found["host_delay"] == pytest.approx(longer, abs=0.1)


RUN = """\
intent: Are the figures those that another program computes from the same files?
models: [threaded, epoll]
server: {workers: 3}
clients:
  - {name: some, executor: closed, users: 6, replicas: 2, messages: 10, demand: sleep=10ms}
  - {name: others, executor: open, rate: 100/s, duration: 500ms, connections: each, demand: cpu=1ms}
"""


@pytest.mark.together
@pytest.mark.parametrize("warmup_ms", [0, 100])
def test_measures_are_those_of_an_independent_program(lab: Lab, warmup_ms: int) -> None:
    scenario = lab.out.parent / "run.yaml"
    scenario.write_text(f"{RUN}warmup: {warmup_ms}ms\n")
    ended = lab.orchestrate(scenario, "--backend", "process", "--accept-invalid", "--out", lab.out)
    for model in ("threaded", "epoll"):
        case: Mapping[str, Any] = ended.case(model)
        again = recompute(ended.results[0] / "raw" / case["slug"], warmup_ms / 1000)
        measures = {key: case["measures"][key] for key in again}
        assert measures == pytest.approx(again, rel=1e-9), model
