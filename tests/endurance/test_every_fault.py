"""Each fault on each model in containers: it takes effect, and Ctrl-C during it leaves nothing.

Every test run has a few of them; all of them take three quarters of an hour.
"""

import contextlib
import signal
from pathlib import Path

import docker
import pytest

from conformance import ROOT, discover_models
from orchestrator.scenario.faults import CPU_LIMIT, KILL, KILL_WORKER, KINDS, LASTING, RELOAD
from tests.e2e.lab_fixtures import Lab

SCENARIO = """\
intent: Does {kind} take effect, and does nothing of it stay?
models: [{model}]
clients:
  - {{executor: open, rate: 40/s, duration: 3s, connections: each, demand: sleep=1ms,
      connect_timeout: 300ms, answer_timeout: 300ms}}
faults: [{{at: 500ms, fault: {kind}{more}}}]
validity: []
expect:
  all: [before.acked > 0, timed_out >= 0, errors >= 0, unsent >= 0, server_exit_code >= 0]
"""
ATTRIBUTES = {
    "latency": "{latency: 50ms}", "bandwidth": "{rate: 1}", "slicer": "{average_size: 1}",
    "slow_close": "{delay: 50ms}", "limit_data": "{bytes: 3}",
}  # fmt: skip
PROCESSES_ONLY = {KILL_WORKER: "prefork", RELOAD: "prefork"}
"""The model that has worker processes to kill and to replace."""

EVERY = [
    (kind, model)
    for kind in KINDS
    for model in discover_models()
    if PROCESSES_ONLY.get(kind, model) == model
]

SOME = EVERY[len(EVERY) // 8 :: len(EVERY) // 2]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run all of them with --long, and two of them in every test run."""
    is_long = metafunc.config.getoption("--long")
    metafunc.parametrize(("kind", "model"), EVERY if is_long else SOME)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.together
def test_a_fault_takes_effect_and_an_interrupt_leaves_nothing(
    tmp_path: Path, kind: str, model: str
) -> None:
    scenario = tmp_path / "fault.yaml"
    scenario.write_text(SCENARIO.format(kind=kind, model=model, more=_more(kind)))
    lab = Lab(ROOT, tmp_path / "results")
    ended = lab.run(scenario, "--backend", "docker")
    assert ended.code == 0, ended.out + ended.err
    (run,) = ended.case(model)["runs"]
    assert [fault["error"] for fault in run["faults"]] == [""]
    cut = Lab(ROOT, tmp_path / "cut")
    arguments = (scenario, "--backend", "docker", "--out", cut.out)
    interrupted = cut.interrupt(f"fault {kind}", signal.SIGINT, *arguments)
    assert interrupted.code == 130, interrupted.out + interrupted.err
    assert lab.left_processes() + cut.left_processes() == []
    assert _left_on_engine(ended.results[0].name, interrupted.results[0].name) == []


def _more(kind: str) -> str:
    lasts = ", lasts: 1s" if kind in (*LASTING, KILL) else ""
    cpus = ", cpus: 0.2" if kind == CPU_LIMIT else ""
    attributes = f", attributes: {ATTRIBUTES[kind]}" if kind in ATTRIBUTES else ""
    return lasts + cpus + attributes


def _left_on_engine(*results: str) -> list[str]:
    """Return the containers and networks of the campaigns that left these results."""
    ids = [name.rpartition("-")[2] for name in results]
    with contextlib.closing(docker.from_env()) as engine:
        names = [each.name or "" for each in engine.containers.list(all=True, ignore_removed=True)]
        names += [each.name or "" for each in engine.networks.list()]
    return [name for name in names if any(name.startswith(f"lab-{each}-") for each in ids)]
