"""Each ready scenario passes repeatedly on a machine with two cores.

If the host was busy, the run is invalid and says why; it never blames the server.
"""

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Ended, Lab

HOLDS, INVALID = 0, 4
LONG = {"accept_balance", "classic", "closed_listener", "free_threading", "gate",
        "how_many_workers", "idle_descriptors", "start_together", "sweep_workers", "ten_thousand",
        "which_model"}  # fmt: skip
"""Scenarios that take long, or need a machine, a kernel setting or an interpreter of their own."""

READY = [path for path in sorted((ROOT / "scenarios").glob("*.yaml")) if path.stem not in LONG]
HOG = "while True: pass"
CPUS = os.cpu_count() or 1


PARTS = {
    "scenario": slice(0, 1),
    "in_containers": slice(6, None, 8),
    "disturbed": slice(6, None, 8),
}
"""Run in every test run; the others only with --long."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, part in PARTS.items():
        if name in metafunc.fixturenames:
            chosen = READY if metafunc.config.getoption("--long") else READY[part]
            metafunc.parametrize(name, chosen, ids=[path.stem for path in chosen])


@pytest.mark.slow
def test_a_ready_scenario_passes_unless_the_host_was_busy(
    tmp_path: Path, scenario: Path, is_long: bool
) -> None:
    _repeat(tmp_path, scenario, "process", times=10 if is_long else 1)


@pytest.mark.slow
@pytest.mark.docker
def test_it_passes_in_containers(tmp_path: Path, in_containers: Path, is_long: bool) -> None:
    _repeat(tmp_path, in_containers, "docker", times=3 if is_long else 1)


def _repeat(folder: Path, scenario: Path, backend: str, times: int) -> None:
    codes = Counter[int]()
    for number in range(times):
        ended = run(folder / str(number), scenario, backend)
        codes[ended.code] += 1
        assert ended.code in {HOLDS, INVALID}, ended.out + ended.err
        doubts = [doubt for case in ended.summary["cases"] for doubt in case["invalid"]]
        assert bool(doubts) == (ended.code == INVALID)
        assert [each for each in doubts if not each.startswith(("host_", "client_"))] == []
    print(
        f"{scenario.stem}, {backend}: held {codes[HOLDS]} times, "
        f"the host was disturbed {codes[INVALID]} times"
    )


@pytest.mark.slow
def test_hogs_on_half_of_the_cpus_make_a_run_invalid_or_it_is_right(
    tmp_path: Path, disturbed: Path
) -> None:
    scenario = without_retries(tmp_path, disturbed)
    with hogs(max(1, CPUS // 2)):
        ended = run(tmp_path / "out", scenario, "process")
    assert ended.code in {HOLDS, INVALID}, ended.out + ended.err
    valid = [case for case in ended.summary["cases"] if not case["invalid"]]
    assert all(each["outcome"] == "passed" for case in valid for each in case["expectations"])


@pytest.mark.slow
def test_a_busy_host_makes_every_run_invalid(tmp_path: Path, is_long: bool) -> None:
    scenario = without_retries(tmp_path, ROOT / "scenarios" / "quickstart.yaml")
    with hogs(2 * CPUS):
        for number in range(10 if is_long else 1):
            ended = run(tmp_path / str(number), scenario, "process")
            assert ended.code == INVALID, ended.out + ended.err
            assert all(case["invalid"] for case in ended.summary["cases"])


def without_retries(folder: Path, scenario: Path) -> Path:
    """Return a copy of ``scenario`` whose disturbed runs are not repeated."""
    copy = folder / scenario.name
    copy.write_text(f"{scenario.read_text(encoding='utf-8')}retries_of_invalid: 0\n")
    return copy


def run(out: Path, scenario: Path, backend: str) -> Ended:
    lab = Lab(ROOT, out)
    ended = lab.orchestrate(scenario, "--backend", backend, "--out", out)
    assert lab.left_processes() == []
    return ended


@contextmanager
def hogs(number: int) -> Iterator[None]:
    """Keep so many CPUs busy."""
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            hog = stack.enter_context(subprocess.Popen([sys.executable, "-c", HOG]))
            stack.callback(hog.kill)
        yield
