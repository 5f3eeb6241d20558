"""The estimate of a clock's offset against the truth, with the messages of a real run."""

from pathlib import Path

import numpy as np
import pytest

from orchestrator.analysis.clock_offset import Exchanges, Instants, fit_offset
from orchestrator.analysis.common_axis import FOUR_INSTANTS
from orchestrator.analysis.join import merge
from orchestrator.results.archive import SERVER_LOG
from orchestrator.results.client_samples import ACKED, read_client_run
from orchestrator.results.server_log import read_server_log
from orchestrator.results.tables import Table
from tests.e2e.lab_fixtures import Lab
from tests.e2e.swarm.swarm_fixtures import AHEAD_S, Swarm

pytestmark = [pytest.mark.docker, pytest.mark.slow]

S_NS = 10**9
OFFSETS_NS = (0, 10**6, AHEAD_S * S_NS)
DRIFTS = (0.0, 50e-6)
REPLICAS = 25
MOST_BOUND_NS = 2_000_000
"""Of one replica on a busy machine; `make swarm` prints the bounds."""

SCENARIO = f"""\
intent: Is the truth within the bound of each estimate?
models: [epoll]
clients:
  - {{executor: closed, users: {REPLICAS}, messages: 100, demand: sleep=5ms, think_time: 10ms,
     replicas: {REPLICAS}}}
"""


class Put:
    """An offset and a drift, put on a clock from ``begin_ns`` on."""

    def __init__(self, begin_ns: int, offset_ns: int, drift: float) -> None:
        self._begin_ns = begin_ns
        self._offset_ns = offset_ns
        self._drift = drift

    def on(self, instants: Instants) -> Instants:
        """Return what that clock reads at ``instants``."""
        drifted: Instants = np.floor(self._drift * (instants - self._begin_ns)).astype(np.int64)
        return instants + self._offset_ns + drifted


def error_and_bound_ns(own: Table, put: Put) -> tuple[int, int]:
    """Return the largest error of the estimate from ``own`` messages, and its bound."""
    sent, received, finished, acked = (own[name].astype(np.int64) for name in FOUR_INSTANTS)
    there_ns = put.on(sent), put.on(acked)
    span_ns = int(there_ns[0].min()), int(there_ns[1].max())
    found = fit_offset(Exchanges(there_ns[0], received, finished, there_ns[1]), span_ns)
    errors = [
        np.abs(found.to_server(there) - here).max()
        for there, here in zip(there_ns, (sent, acked), strict=True)
    ]
    return int(max(errors)), found.bound_ns


@pytest.mark.usefixtures("only_long")
def test_the_truth_is_within_the_bound_in_each_of_150_estimates(
    lab: Lab, ahead_swarm: Swarm, tmp_path: Path
) -> None:
    """The clock of the clients is a day ahead; what else is put on it is known as exactly."""
    scenario = tmp_path / "truth.yaml"
    scenario.write_text(SCENARIO)
    place = ["--backend", "swarm", "--hosts", str(ahead_swarm.hosts_file), "--accept-invalid"]
    ended = lab.orchestrate(scenario, *place, "--out", lab.out)
    (folder,) = ended.results[0].glob("raw/*")
    requests = merge(read_client_run(folder), read_server_log(folder / SERVER_LOG)).requests
    whole = requests[(requests["outcome"] == ACKED) & (requests["finished_ns"] > 0)].copy()
    for name in ("sent_ns", "ended_ns"):
        whole[name] -= np.uint64(AHEAD_S * S_NS)
    begin_ns = int(whole["sent_ns"].min())
    puts = [Put(begin_ns, offset_ns, drift) for offset_ns in OFFSETS_NS for drift in DRIFTS]
    owns = [whole[whole["replica"] == number] for number in range(REPLICAS)]
    found = [error_and_bound_ns(own, put) for own in owns for put in puts]
    assert len(found) == REPLICAS * len(puts) == 150
    assert [(error, bound) for error, bound in found if error > bound] == []
    bounds_us = sorted(bound / 1e3 for _, bound in found)
    all_us = error_and_bound_ns(whole, puts[0])[1] / 1e3
    print(  # noqa: T201 a figure for docs/swarm.md
        f"\nbounds of one replica: {bounds_us[0]:.0f} to {bounds_us[-1]:.0f} us, median "
        f"{bounds_us[len(bounds_us) // 2]:.0f}; of all {REPLICAS} together: {all_us:.0f} us"
    )
    assert max(bounds_us) * 1e3 <= MOST_BOUND_NS
