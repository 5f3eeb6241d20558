"""Two runs on the hosts of a swarm and one on the main engine at once: none touches another."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.execution.docker.engine import PROJECT_LABEL, Engine
from tests.e2e.lab_fixtures import Ended, Lab
from tests.e2e.swarm.swarm_fixtures import Swarm, docker, nothing_is_left

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SCENARIO = """\
intent: Does this run notice another?
models: [epoll]
clients: [{executor: closed, users: 4, duration: 15s, demand: sleep=50ms, replicas: 2}]
expect:
  all: [failed == 0, in_flight == 0]
"""


def loaded_ns(ended: Ended) -> tuple[int, int]:
    """Return when the load of a run began and ended, by the one clock of this machine."""
    (path,) = ended.results[0].glob("raw/*/clients.json")
    clients = json.loads(path.read_text())
    return clients["start_ns"], max(each["end_ns"] for each in clients["replicas"])


@pytest.mark.usefixtures("only_long")
def test_two_runs_on_a_swarm_and_one_on_the_main_engine_do_not_touch_each_other(
    lab: Lab, swarm: Swarm, engine: Engine, tmp_path: Path
) -> None:
    scenario = tmp_path / "beside.yaml"
    scenario.write_text(SCENARIO)
    on_swarm = ["--backend", "swarm", "--hosts", str(swarm.hosts_file)]
    places = [on_swarm, on_swarm, ["--backend", "docker"]]
    labs = [Lab(lab.checkout, tmp_path / f"results-{number}") for number in range(len(places))]

    def run(number: int) -> Ended:
        own = labs[number]
        options = [*places[number], "--accept-invalid", "--out", str(own.out)]
        return own.orchestrate(scenario, *options)

    with ThreadPoolExecutor() as pool:
        all_ended = list(pool.map(run, range(len(places))))
    for ended in all_ended:
        assert ended.code == 0, ended.out + ended.err
    loads_ns = [loaded_ns(ended) for ended in all_ended]
    assert max(begin for begin, _ in loads_ns) < min(end for _, end in loads_ns)
    campaigns = {ended.results[0].name.rpartition("-")[2] for ended in all_ended}
    assert len(campaigns) == len(all_ended)
    assert [each.left_processes() for each in labs] == [[], [], []]
    assert nothing_is_left(swarm)
    names = docker("ps", "--all", "--format", f'{{{{.Label "{PROJECT_LABEL}"}}}}').decode().split()
    assert [name for name in names if any(each in name for each in campaigns)] == []
    assert engine.answers()
