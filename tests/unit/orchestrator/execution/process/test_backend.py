import ast
import os
import sys
from pathlib import Path

import pytest

from conformance import discover_models
from orchestrator.execution.backend import BackendError, Needs, StageOrder
from orchestrator.execution.process import backend
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.execution.program_log import wait_for
from orchestrator.scenario.server import Limits, Target

DEADLINE_S = 20.0


def test_every_model_and_a_target_s_command_can_run_as_processes() -> None:
    command = Target(command=("my-server",))
    ProcessBackend().prepare(Needs(discover_models(), target=command))


def test_a_target_that_is_an_image_is_refused() -> None:
    needs = Needs(["single"], target=Target(name="mine", image="mine:1"))
    with pytest.raises(BackendError, match="mine is an image; use --backend docker"):
        ProcessBackend().prepare(needs)


def test_a_model_that_has_no_program_is_refused() -> None:
    with pytest.raises(BackendError, match=r"no services/nodejs/server\.py.* --backend docker"):
        ProcessBackend().prepare(Needs(["single", "nodejs"]))


@pytest.mark.parametrize("limits", [Limits(cpus=0.5), Limits(memory="64MiB")])
def test_limits_are_refused_before_anything_is_started(tmp_path: Path, limits: Limits) -> None:
    order = StageOrder("single", {}, 1, tmp_path, drain_timeout_s=1.0, limits=limits)
    with (
        pytest.raises(BackendError, match=r"only a container can have limits\.(cpus|memory); "),
        ProcessBackend().stage(order),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_setting_of_the_kernel_must_be_what_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net/ipv4").mkdir(parents=True)
    (tmp_path / "net/ipv4/tcp_migrate_req").write_text("0\n")
    monkeypatch.setattr(backend, "SYSCTLS", tmp_path)
    name = "net.ipv4.tcp_migrate_req"
    backend.check_limits(_sysctls({name: 0}))
    with pytest.raises(BackendError, match=rf"{name} is 0 on this machine.* needs 1: .*docker"):
        backend.check_limits(_sysctls({name: 1}))
    with pytest.raises(BackendError, match="tcp_fin_timeout is unknown on this machine"):
        backend.check_limits(_sysctls({"net.ipv4.tcp_fin_timeout": 60}))
    needs = Needs(["single"], limits=[Limits(), _sysctls({name: 1})])
    with pytest.raises(BackendError, match=f"{name} is 0 on this machine"):
        ProcessBackend().prepare(needs)  # before any case has run


def test_a_cpu_that_the_lab_may_not_use_is_refused_before_anything_is_started() -> None:
    needs = Needs(["single"], limits=[Limits(), Limits(cpuset="0-1023")])
    with pytest.raises(BackendError, match=r"limits\.cpuset: CPUs .* cannot be used here; those"):
        ProcessBackend().prepare(needs)


def test_a_server_that_runs_already_cannot_be_bound_to_cpus() -> None:
    target, usable = Target(address="localhost:1"), min(os.sched_getaffinity(0))
    ProcessBackend().prepare(Needs([], target=target, limits=[Limits(client_cpuset=usable)]))
    with pytest.raises(BackendError, match="target runs already, so the lab cannot bind it"):
        ProcessBackend().prepare(Needs([], target=target, limits=[Limits(cpuset=usable)]))


def _sysctls(values: dict[str, int]) -> Limits:
    return Limits.model_validate({"sysctls": values})


SHOW_ENVIRONMENT = """\
import os, signal, socket, sys
print(sorted(os.environ), flush=True)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
signal.pause()
"""


def test_a_target_s_command_has_none_of_the_caller_s_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("LAB_WORKERS", "9")
    target = Target(command=(sys.executable, "-S", "-E", "-c", SHOW_ENVIRONMENT, "{port}"))
    order = StageOrder("target", {}, 0, tmp_path, drain_timeout_s=0.1, target=target)
    with ProcessBackend().stage(order) as stage:
        variables = ast.literal_eval(stage.server.log)
    assert "GITHUB_TOKEN" not in variables
    assert "LAB_WORKERS" not in variables
    assert {"PATH", "LAB_HOST", "LAB_PORT"} <= set(variables)


def test_a_model_that_cannot_start_leaves_no_program(tmp_path: Path) -> None:
    """The conductor was started before it."""
    order = StageOrder("nodejs", {}, 1, tmp_path, drain_timeout_s=1.0)
    backend = ProcessBackend()
    with (
        pytest.raises(BackendError, match="the server ended at start"),
        backend.stage(order),
    ):
        pass
    assert backend._programs == []  # noqa: SLF001 which it kills and forgets
    backend.close()


FAKE_CLIENT = """\
import json, signal, sys
if sys.argv[1:] == ["conductor"]:
    print(json.dumps({"event": "listening", "port": 1}), flush=True)
    signal.pause()
sys.exit("client: LAB_TIMEOUT: 'ten' is not a duration")
"""


def test_a_client_that_ends_before_it_enrols_is_quoted_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = [sys.executable, "-S", "-E", "-c", FAKE_CLIENT]
    monkeypatch.setattr("orchestrator.execution.process.backend.CLIENT", fake)
    target = Target(command=(sys.executable, "-S", "-E", "-c", SHOW_ENVIRONMENT, "{port}"))
    order = StageOrder("target", {}, 1, tmp_path, drain_timeout_s=0.1, target=target)
    with (
        pytest.raises(BackendError, match=r"client-000 ended too early, exit code 1.*\n.*'ten'"),
        ProcessBackend().stage(order) as stage,
    ):
        wait_for(stage.check_programs, DEADLINE_S)


SHOW_CPUS = """\
import os, signal, socket, sys
print(sorted(os.sched_getaffinity(0)), flush=True)
if sys.argv[1].isdigit():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if not os.fork():
    print(sorted(os.sched_getaffinity(0)), flush=True)
signal.pause()
"""
FAKE_CLIENTS = """\
import json, os, signal, sys
if sys.argv[1:] == ["conductor"]:
    port = len(os.sched_getaffinity(0))
    print(json.dumps({"event": "listening", "port": port}), flush=True)
else:
    print(sorted(os.sched_getaffinity(0)), flush=True)
signal.pause()
"""


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one CPU")
def test_server_and_clients_are_bound_to_their_cpus_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From their first instruction on, and with what they fork; this process is as before."""
    usable = sorted(os.sched_getaffinity(0))
    fake = [sys.executable, "-S", "-E", "-c", FAKE_CLIENTS]
    monkeypatch.setattr("orchestrator.execution.process.backend.CLIENT", fake)
    target = Target(command=(sys.executable, "-S", "-E", "-c", SHOW_CPUS, "{port}"))
    limits = Limits(cpuset=usable[-1], client_cpuset=usable[0])
    order = StageOrder("target", {}, 1, tmp_path, 0.1, target=target, limits=limits)
    with ProcessBackend().stage(order) as stage:
        wait_for(lambda: stage.server.log.count("\n") == 2, DEADLINE_S)
        replica = tmp_path / "client-000.log"
        wait_for(replica.read_text, DEADLINE_S)
        assert stage.server.log == f"[{usable[-1]}]\n" * 2
        assert replica.read_text() == f"[{usable[0]}]\n"
        assert stage.conductor[1] == len(usable)
        assert sorted(os.sched_getaffinity(0)) == usable


FAKE_REPLICA = """\
import json, os, signal, sys
if sys.argv[1:] == ["conductor"]:
    print(json.dumps({"event": "listening", "port": 1}), flush=True)
else:
    print(len(os.environ["LAB_RUN_SECRET"]) == 32, flush=True)
signal.pause()
"""


def test_the_secret_is_in_the_environment_of_clients_and_not_of_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = [sys.executable, "-S", "-E", "-c", FAKE_REPLICA]
    monkeypatch.setattr("orchestrator.execution.process.backend.CLIENT", fake)
    target = Target(command=(sys.executable, "-S", "-E", "-c", SHOW_ENVIRONMENT, "{port}"))
    order = StageOrder("target", {}, 1, tmp_path, drain_timeout_s=0.1, target=target)
    with ProcessBackend().stage(order) as stage:
        assert "LAB_RUN_SECRET" not in stage.server.log
        assert wait_for((tmp_path / "client-000.log").read_text, DEADLINE_S).strip() == "True"
    assert all(order.secret not in path.read_text() for path in tmp_path.iterdir())
