from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm.refusals import refuse
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.scenario import Scenario

SCENARIO = """\
intent: On several hosts?
models: [epoll]
clients: [{executor: closed, users: 2, messages: 1}]
"""


@pytest.fixture
def loaded(tmp_path: Path, request: pytest.FixtureRequest) -> Scenario:
    path = tmp_path / "a.yaml"
    path.write_text(SCENARIO + request.param)
    return load_scenario(path, {"epoll"})


@pytest.mark.parametrize(
    "loaded",
    [
        "",
        "limits: {cpus: 0.5, memory: 64MiB, cpuset: 0}\nmatrix: {client_cpuset: [1, 0]}",
        "faults: [{at: 1s, fault: pause, lasts: 1s}, {at: 3s, fault: kill}]",
        "faults: [{at: 1s, fault: disconnect, lasts: 1s}]",
        "faults: [{at: 1s, fault: latency, lasts: 1s, attributes: {latency: 10ms}}]",
    ],
    indirect=True,
)
def test_what_several_hosts_can_do_is_not_refused(loaded: Scenario) -> None:
    refuse(loaded)


@pytest.mark.parametrize(
    ("loaded", "reasons"),
    [
        ("faults: [{at: 1s, fault: terminate, lasts: 1s}, {at: 3s, fault: kill, lasts: 1s}]",
         ["terminate with lasts: Swarm does not start a container again",
          "kill with lasts: Swarm does not start a container again"]),
        ("target: {image: x}", ["target: only the lab's own models run on several hosts"]),
    ],
    indirect=["loaded"],
)  # fmt: skip
def test_what_they_cannot_do_is_named_at_once(loaded: Scenario, reasons: list[str]) -> None:
    with pytest.raises(BackendError) as refused:
        refuse(loaded)
    first, *shown = str(refused.value).splitlines()
    assert first == "--backend swarm cannot run this; use --backend docker"
    assert [line.strip() for line in shown] == reasons
