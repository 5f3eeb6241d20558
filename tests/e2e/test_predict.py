"""A prediction for a million clients: within 2 GB; ``make twin`` shows how long it takes.

Without --long there are a fifth of them, within a fifth of that.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance import ROOT
from tests.memory_fixtures import watch_peaks

MILLION, LIMIT_BYTES = 1_000_000, 2_000_000_000
SHORTER = 5
SCENARIO = """\
intent: What if a million came?
models: [{model}]
server: {{workers: 100}}
clients:
  - {{executor: closed, users: {users}, messages: 1, demand: "sleep=exponential(50ms)"}}
"""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Take an event loop; with --long, a worker pool too."""
    models = ["epoll", "prefork"]
    metafunc.parametrize("model", models if metafunc.config.getoption("--long") else models[:1])


@pytest.mark.slow
@pytest.mark.together
def test_a_million_clients_fit_in_two_gigabytes(
    tmp_path: Path, model: str, *, is_long: bool
) -> None:
    part = 1 if is_long else SHORTER
    scenario, told = tmp_path / "million.yaml", tmp_path / "told.json"
    scenario.write_text(SCENARIO.format(model=model, users=MILLION // part))
    command = [sys.executable, "orchestrate.py", "predict", str(scenario), "--json"]
    begun_s = time.monotonic()
    with told.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out)
        peaks_bytes = watch_peaks(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
    took_s = time.monotonic() - begun_s
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    peak_bytes = max(peaks_bytes)
    sys.stdout.write(
        f"\n{MILLION // part:9,} clients  {model:9} {took_s:5.1f} s, "
        f"of CPU {usage.ru_utime:5.1f} s; {peak_bytes / 1e9:.2f} GB"
    )
    assert peak_bytes < LIMIT_BYTES / part
    (case,) = json.loads(told.read_text())["cases"]
    assert case["figures"]["acked"] == MILLION // part
