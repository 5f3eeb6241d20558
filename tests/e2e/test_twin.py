"""The twin against runs of every model on local processes; ``make twin`` shows the figures.

A replay of the service times in the server's log must agree with the run on any host. A prediction
from the demands holds on a host where services take as long as demanded; on any other host the
comparison must name the component of the response time that grew.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator.scenario.models import discover_classic, discover_twins
from orchestrator.twin.parameters import Kind
from tests.e2e.lab_fixtures import Lab

REPLAYED_MEAN = 0.02
PREDICTED = {"response_time_mean_s": 0.03, "response_time_max_s": 0.05}
QUIET = {"host_busy": 0.1, "host_steal": 0.02, "host_pressure": 0.1}
"""Below these, only the lab used the CPUs, and the predictions must hold."""

TWINS = discover_twins()
FIRST_OF_KIND = [*{kind: model for model, kind in reversed(TWINS.items())}.values()]

AT_ONCE = "closed, constant, at once"
LOADS = {
    # One after another: a pool behind a loop ends messages that began together in no certain order.
    "closed, constant": ", ".join(
        f"{{name: {name}, start: {start}ms, executor: closed, users: 1, messages: 5, "
        "demand: sleep=50ms}"
        for name, start in zip("abcdefg", range(0, 49, 7), strict=True)
    ),
    "closed, exponential": (
        "{executor: closed, users: 7, messages: 10, demand: sleep=exponential(50ms), "
        "think_time: exponential(20ms)}"
    ),
    "open, constant": (
        "{executor: open, rate: 14/s, duration: 4s, arrivals: poisson, connections: each, "
        "demand: sleep=50ms}"
    ),
    "open, exponential": (
        "{executor: open, rate: 14/s, duration: 4s, arrivals: poisson, connections: each, "
        "demand: sleep=exponential(50ms)}"
    ),
    "pooled, exponential": (
        "{executor: open, rate: 20/s, duration: 3s, arrivals: poisson, connections: 3, "
        "demand: sleep=exponential(50ms)}"
    ),
    AT_ONCE: "{executor: closed, users: 7, messages: 5, demand: sleep=50ms}",
}
COMPUTING = {
    # Not all at once, and with pauses: else microseconds decide the order in a loop (docs/twin.md).
    "closed, computing": ", ".join(
        f"{{name: {name}, start: {start}, executor: closed, users: 1, messages: 10, "
        "demand: cpu=50ms, think_time: 5ms}"
        for name, start in (("a", "0ms"), ("b", "10ms"), ("c", "20ms"), ("d", "30ms"))
    ),
    "open, computing": (
        "{executor: open, rate: 12/s, duration: 4s, arrivals: poisson, connections: each, "
        "demand: cpu=50ms}"
    ),
    "open, computing, exponential": (
        "{executor: open, rate: 12/s, duration: 4s, arrivals: poisson, connections: each, "
        "demand: cpu=exponential(50ms)}"
    ),
}
ONE_AT_A_TIME = ("single", "epoll")
"""For several workers the kernel's run queues and the interpreter lock decide: docs/twin.md."""


def off_by(case: dict[str, Any], view: str, key: str) -> float:
    """Return the relative difference between a view's figure and the measured one."""
    ours, theirs = case["measures"][key], case["groups"][view][key]
    return float(theirs / ours - 1)


def is_quiet(case: dict[str, Any]) -> bool:
    return all((case["measures"][name] or 0) < limit for name, limit in QUIET.items())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run all loads on all models with --long (make twin), and some of them in every test run.

    Every test run has the first load on a model of each kind, and others on the classic models.
    """
    is_long = metafunc.config.getoption("--long")
    for name, loads in (("load", LOADS), ("computing_load", COMPUTING)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, list(loads) if is_long else list(loads)[::3])
    if "models" in metafunc.fixturenames:
        metafunc.parametrize("models", [list(TWINS) if is_long else None], ids=[""])


@pytest.mark.slow
def test_every_model_matches_its_twin(
    lab: Lab, tmp_path: Path, load: str, models: list[str] | None
) -> None:
    some = models or (FIRST_OF_KIND if load == next(iter(LOADS)) else discover_classic())
    _check(lab, tmp_path, load, LOADS[load], [each for each in some if not has_races(each, load)])


def has_races(model: str, load: str) -> bool:
    """Whether microseconds decide which message is served first: docs/twin.md, limits."""
    return TWINS[model] == Kind.LOOP_AND_POOL and load == AT_ONCE


@pytest.mark.slow
def test_one_computing_user_matches_the_twin(lab: Lab, tmp_path: Path, computing_load: str) -> None:
    _check(lab, tmp_path, computing_load, COMPUTING[computing_load], ONE_AT_A_TIME)


def _check(lab: Lab, folder: Path, load: str, group: str, models: Sequence[str]) -> None:
    """Run ``models`` under a client group, and compare each with its twin."""
    scenario = folder / "twin.yaml"
    scenario.write_text(
        f"intent: Does the twin agree?\nmodels: [{', '.join(models)}]\nserver: {{workers: 3}}\n"
        f"timeout: 60s\nclients: [{group}]\n"
        "expect: {all: [response_time_mean ~= replayed.response_time_mean within 2%]}\n"
    )
    ended = lab.run(scenario, "--backend", "process")
    for model in models:
        case = ended.case(model)
        told = {key: off_by(case, "predicted", key) for key in PREDICTED}
        replayed = off_by(case, "replayed", "response_time_mean_s")
        sys.stdout.write(
            f"\n{load:28} {model:21} predicted: mean {told['response_time_mean_s']:+.2%}, "
            f"longest {told['response_time_max_s']:+.2%}; replayed: mean {replayed:+.2%}"
            f"{'' if is_quiet(case) else ' (the host was not quiet)'}"
        )
        assert abs(replayed) < REPLAYED_MEAN
        if is_quiet(case):
            assert all(abs(told[key]) < limit for key, limit in PREDICTED.items())
        _check_samples(ended.results[0] / "samples" / model, case)
    assert ended.code == 0, ended.out + ended.err


def _check_samples(folder: Path, case: dict[str, Any]) -> None:
    """Every request has its residual, and the components of the twin's response time add up."""
    requests = np.load(folder / "requests.npy", allow_pickle=False)
    measured_ns = requests["ended_ns"].astype(np.int64) - requests["due_ns"].astype(np.int64)
    for view in ("predicted", "replayed"):
        twin = np.load(folder / f"{view}.npy", allow_pickle=False)
        assert (twin["response_ns"] + twin["residual_ns"] == measured_ns).all()
        parts = [twin[name] for name in PARTS]
        assert (sum(parts) == twin["response_ns"]).all()
        mean_s = twin["response_ns"].mean() / 1e9
        assert case["groups"][view]["response_time_mean_s"] == pytest.approx(mean_s)


PARTS = [
    f"{part}_ns"
    for part in (
        "schedule_lag", "connection_wait", "connect", "accept_queue", "application_queue",
        "unread", "service", "answer", "unattributed",
    )
]  # fmt: skip


@contextmanager
def busy_host() -> Iterator[None]:
    """Run twice as many computing programs as there are CPUs.

    Each has its own session, as the kernel may share CPUs between sessions (sched(7), autogroup).
    """
    burn = [sys.executable, "-c", "while True: pass"]
    number = 2 * len(os.sched_getaffinity(0))
    burning = [subprocess.Popen(burn, start_new_session=True) for _ in range(number)]
    try:
        yield
    finally:
        for each in burning:
            each.kill()
            each.wait()


@pytest.mark.slow
def test_on_a_busy_host_the_component_that_grew_is_named(lab: Lab, tmp_path: Path) -> None:
    """One user whose messages compute: there is no queue, so only the service time can grow."""
    scenario = tmp_path / "disturbed.yaml"
    scenario.write_text(
        "intent: Who took the time?\nmodels: [single]\ntimeout: 60s\n"
        "clients: [{executor: closed, users: 1, messages: 30, demand: cpu=50ms}]\n"
    )
    with busy_host():
        ended = lab.run(scenario, "--backend", "process")
    case = ended.case("single")
    (run,) = case["runs"]
    assert off_by(case, "predicted", "response_time_mean_s") < -0.2  # three programs share a CPU
    assert abs(off_by(case, "replayed", "response_time_mean_s")) < REPLAYED_MEAN
    assert run["twin"]["part"] == "time_in_service"
    assert "of its parts, time_in_service differs most" in run["twin"]["remark"]
    assert run["twin"]["remark"] in ended.out
