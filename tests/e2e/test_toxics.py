"""Toxics have an effect while they last, and only then."""

import contextlib
import json
import signal
from pathlib import Path
from typing import Any

import docker
import pytest

from labkit.wire.secret import SECRET
from tests.e2e.lab_fixtures import Ended, Lab
from tests.e2e.test_faults import BACKENDS, written
from tests.e2e.test_orchestrate import left_on

SCENARIO = """\
intent: What does {fault} do to those who are on the line?
models: [{model}]
clients:
  - {{executor: open, rate: 40/s, duration: 3s, connections: each, demand: sleep=1ms,
      answer_timeout: 400ms}}
faults: [{{at: 1s, fault: {fault}, lasts: 1s, attributes: {attributes}{more}}}]
expect:
  all:
    - before.failed == 0
    - before.response_time_p50 < 60ms
    - after.acked > 10
    - acked + failed + unsent + in_flight == 120
    - after.failed < after.acked    # messages in transit at the end may still fail
    - failed >= 0
    - errors >= 0
    - reset >= 0
    - closed_early >= 0
    - timed_out >= 0
    - {shows}
"""
TOXICS = {
    "latency": ("{latency: 80ms, jitter: 5ms}", "during.response_time_p50 > 75ms"),
    "bandwidth": ("{rate: 0.02}", "during.response_time_p50 > 100ms"),
    "slicer": ("{average_size: 1, delay: 40ms}", "during.response_time_p50 > 75ms"),
    "reset_peer": ("{}", "reset > 10"),
    "timeout": ("{timeout: 100ms}", "closed_early > 10"),
    "limit_data": ("{bytes: 2}", "closed_early > 10"),
}


pytestmark = pytest.mark.together
"""Each bound is far from what tests beside these may change."""


def scenario(folder: Path, fault: str, model: str = "epoll", more: str = "") -> Path:
    attributes, shows = TOXICS[fault]
    text = SCENARIO.format(fault=fault, model=model, attributes=attributes, shows=shows, more=more)
    return written(folder, text)


def proxy_events(ended: Ended, kind: str) -> list[dict[str, Any]]:
    """Return the events of that kind in the log of the campaign's proxy."""
    (log,) = ended.results[0].rglob("faultproxy.log")
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return [event for event in events if event["event"] == kind]


def files_with(word: str, folder: Path) -> list[Path]:
    """Return the files below ``folder`` that contain ``word``."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if word.encode() in path.read_bytes()]


@pytest.mark.parametrize("fault", list(TOXICS))
def test_a_toxic_shows_while_it_lasts(lab: Lab, tmp_path: Path, fault: str) -> None:
    ended = lab.run(scenario(tmp_path, fault), "--backend", "process")
    assert ended.code == 0, ended.out + ended.err
    (run,) = ended.case("epoll")["runs"]
    (record,) = run["faults"]
    assert record["error"] == ""
    assert 1.0 <= record["effect_s"] < 2.0 <= record["reverted_s"]
    assert [event["toxics"] for event in proxy_events(ended, "toxics_changed")] == [
        [f"{fault} at 1s"], [],
    ]  # fmt: skip
    assert len(proxy_events(ended, "stopped")) == 1
    assert files_with(SECRET, ended.results[0]) == []


@pytest.mark.docker
@pytest.mark.parametrize(
    ("fault", "model"),
    [("latency", "single"), ("reset_peer", "prefork"), ("limit_data", "threaded"),
     ("timeout", "epoll")],
)  # fmt: skip
def test_a_toxic_shows_on_each_model_in_containers(
    lab: Lab, tmp_path: Path, fault: str, model: str
) -> None:
    ended = lab.run(scenario(tmp_path, fault, model), "--backend", "docker")
    assert ended.code == 0, ended.out + ended.err
    assert len(proxy_events(ended, "stopped")) == 1
    assert files_with(SECRET, ended.results[0]) == []


def test_a_late_end_occupies_a_worker_for_each_connection(lab: Lab, tmp_path: Path) -> None:
    """For the server a client has left only when the end of the stream arrives."""
    text = """\
intent: Who pays for the end of a conversation that arrives late?
models: [single]
clients:
  - {executor: closed, users: 4, messages: 1, demand: sleep=1ms, behaviour: no-goodbye,
     start: 300ms}
faults: [{at: 0s, fault: slow_close, lasts: 20s, stream: upstream, attributes: {delay: 300ms}}]
expect: {all: [acked == 4, first_service_wait_max >= 900ms]}
"""
    ended = lab.run(written(tmp_path, text), "--backend", "process")
    assert ended.code == 0, ended.out + ended.err


def test_toxicity_affects_only_its_share_of_connections(lab: Lab, tmp_path: Path) -> None:
    path = scenario(tmp_path, "reset_peer", more=", toxicity: 0.5")
    ended = lab.run(path, "--backend", "process")
    assert ended.code == 0, ended.out + ended.err
    during = ended.case("epoll")["groups"]["during"]
    assert during["acked"] > 5
    assert during["failed"] > 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_interrupt_leaves_no_proxy(lab: Lab, tmp_path: Path, backend: str) -> None:
    text = """\
intent: Is a proxy gone after Ctrl-C?
models: [threaded]
clients: [{executor: closed, users: 2, messages: 100, demand: sleep=1s}]
faults: [{at: 0s, fault: latency, lasts: 60s, attributes: {latency: 1s}}]
"""
    ended = lab.interrupt(
        "under load", signal.SIGINT, written(tmp_path, text), "--backend", backend, "--out", lab.out
    )
    assert ended.code == 130, ended.out + ended.err
    assert lab.left_processes() == []
    if backend == "docker":
        (results,) = ended.results
        with contextlib.closing(docker.from_env()) as engine:
            assert left_on(engine, {results.name.rpartition("-")[2]}) == []
