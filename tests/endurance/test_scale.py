"""A thousand replicas and ten million messages: what they cost a conductor and an analysis.

By default a fiftieth of the messages, and a fifth of the replicas; all of them with ``--long``.
"""

import asyncio
import filecmp
import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.workload.load_order import Order
from orchestrator.execution.load_driver import ClientReports, Watch, drive
from orchestrator.execution.run_case import START_MARGIN_PER_REPLICA_S, START_MARGIN_S
from orchestrator.results.archive import CLIENTS
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.plan import schedule
from tests.endurance.member_fixtures import (
    SECRET,
    Conductor,
    Start,
    conducting,
    descriptors_for,
    play_members,
)
from tests.large_run_fixtures import MODEL, Shape, store_large_run
from tests.memory_fixtures import watch_peaks

SHORT = Shape(replicas=100, users=100, messages=1_000)
LONG = Shape(replicas=500, users=500, messages=10_000)
MOST_BYTES = 4_000_000_000
OF_PROGRAM_BYTES = 160_000_000
"""Of an analysis of any size: the interpreter, its libraries and what they allocate at once."""

CONDUCTOR_BYTES, MEMBER_BYTES = 60_000_000, 300_000
"""Of a conductor, and for each replica that waits to deliver its samples, however many they are."""

OWN_DESCRIPTORS = 32

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_000)]


@pytest.fixture(scope="module")
def shape(is_long: bool) -> Shape:
    return LONG if is_long else SHORT


@pytest.fixture(scope="module")
def run(shape: Shape, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a stored run; remove it at the end, as pytest would keep gigabytes of it."""
    folder = tmp_path_factory.mktemp("large") / "run"
    store_large_run(folder, shape)
    yield folder
    shutil.rmtree(folder)


def test_an_analysis_keeps_within_its_memory(run: Path, shape: Shape) -> None:
    """Four gigabytes for ten million messages, and in proportion for fewer."""
    begun_s = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "orchestrate.py", "report", str(run)], stdout=subprocess.DEVNULL
    )
    peaks_bytes = watch_peaks(child.pid)
    assert child.wait() == 0
    took_s, peak_bytes = time.monotonic() - begun_s, max(peaks_bytes)
    print(
        f"\n{shape.total:,} messages of {2 * shape.replicas} replicas: analysed in {took_s:.1f} s, "
        f"{peak_bytes / 1e6:.0f} MB at most"
    )
    (case,) = json.loads((run / "summary.json").read_text())["cases"]
    assert (case["measures"]["acked"], case["invalid"]) == (shape.total, [])
    share = shape.total / LONG.total
    assert peak_bytes < OF_PROGRAM_BYTES + (MOST_BYTES - OF_PROGRAM_BYTES) * share


def test_a_conductor_holds_all_replicas_and_passes_their_samples_on(
    run: Path,
) -> None:
    sent, received = run / "raw" / MODEL, run / "received"
    received.mkdir()
    order = _order(run)
    with descriptors_for(order.replicas), conducting() as conductor:
        found = _Session(conductor, order, received)
        starts = asyncio.run(play_members(conductor.address, _reports(sent), sent))
        reports = found.join()
        used = conductor.wait()
    assert [each["replica"] for each in reports.replicas] == [*range(order.replicas)]
    assert reports.lost == []
    names = [path.name for path in sent.glob("*.npy")]
    assert filecmp.cmpfiles(sent, received, names, shallow=False) == (names, [], [])
    assert all(start.announced_ns < start.start_ns for start in starts)
    peak_bytes = max(conductor.peaks_bytes)
    assert peak_bytes < CONDUCTOR_BYTES + MEMBER_BYTES * order.replicas
    assert order.replicas <= found.descriptors < order.replicas + OWN_DESCRIPTORS
    print(_cost(found, starts, sum((sent / name).stat().st_size for name in names)))
    print(f"conductor: {peak_bytes / 1e6:.0f} MB, {used.ru_utime + used.ru_stime:.2f} s of CPU")


def _order(run: Path) -> Order:
    """Return the order of the run, as `orchestrator.execution.run_case` makes it."""
    (planned,) = schedule(load_scenario(run / "scenario.yaml", known_models=None))
    groups = planned.case.orders
    replicas = sum(group.replicas for group in groups)
    margin_s = START_MARGIN_S + START_MARGIN_PER_REPLICA_S * replicas
    return Order(groups, "127.0.0.1:1", planned.case.seed, 60.0, margin_s, enrol_s=60.0)


def _reports(folder: Path) -> list[dict[str, object]]:
    return list(json.loads((folder / CLIENTS).read_text())["replicas"])


class _Session:
    """An orchestrator that drives the order in a thread; what it saw of the conductor, and when."""

    def __init__(self, conductor: Conductor, order: Order, folder: Path) -> None:
        self._conductor = conductor
        self.descriptors = 0
        self.begun_s = time.monotonic()
        self.started_s = self.over_s = self.ended_s = 0.0
        self._reports: list[ClientReports] = []
        watch = Watch(self._on_start, lambda _pulse: None)
        load = (conductor.address, order, folder, watch, SECRET)
        self._thread = threading.Thread(target=lambda: self._reports.append(drive(*load)))
        self._thread.start()

    def _on_start(self, _start_ns: int) -> None:
        self.started_s = time.monotonic()
        self.descriptors = self._conductor.descriptors

    def join(self) -> ClientReports:
        """Return the reports, once all have come."""
        self._thread.join()
        self.ended_s = time.monotonic()
        (reports,) = self._reports
        return reports


def _cost(found: _Session, starts: list[Start], samples_bytes: int) -> str:
    """Return what a run cost its conductor, as the docs quote it."""
    lead_ms = min(start.start_ns - start.announced_ns for start in starts) / 1e6
    woke_ns = [start.woke_ns for start in starts]
    took_s = found.ended_s - max(woke_ns) / 1e9
    return (
        f"\n{len(starts)} members: ready after {found.started_s - found.begun_s:.2f} s, "
        f"the last one knew the start {lead_ms:.0f} ms before it, woken within "
        f"{(max(woke_ns) - min(woke_ns)) / 1e6:.0f} ms (one process); {samples_bytes / 1e6:.0f} MB "
        f"of samples on disk after {took_s:.1f} s; {found.descriptors} descriptors"
    )
