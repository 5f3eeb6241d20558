"""A server that is not the lab's in a scenario: as a command, at an address, in an image."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import docker
import pytest

from conformance import ROOT
from conformance.target import await_true
from tests.e2e.lab_fixtures import Lab

pytestmark = pytest.mark.together

SERVER = ROOT / "examples" / "own_server" / "server.py"
IMAGE = "server-models-lab-own/test"
LOAD = "clients: [{executor: closed, users: 5, messages: 4, demand: sleep=10ms}]\n"
LONG_LOAD = LOAD.replace("messages: 4", "messages: 40")
"""Two seconds on epoll, so that faults can be injected before it is over."""


def written(
    folder: Path, target: str, more: str = "expect: {all: [acked == 20]}\n", load: str = LOAD
) -> Path:
    path = folder / "own.yaml"
    path.write_text(f"intent: Does a server of one's own pass?\ntarget: {target}\n{load}{more}")
    return path


def command(script: Path) -> str:
    return f"{{name: mine, command: ['{sys.executable}', '{script}']}}"


def test_the_example_passes(lab: Lab) -> None:
    ended = lab.orchestrate(
        "examples/own_server/scenario.yaml", "--accept-invalid", "--out", lab.out
    )
    assert ended.code in {0, 1}, ended.out + ended.err  # 1: the host was busy
    (folder,) = ended.results
    assert " 0 failed" in (folder / "raw/conformance/report.txt").read_text()
    measures = ended.case("mine")["measures"]
    assert measures["acked"] == 400
    assert measures["peak_in_service"] is None
    assert measures["processes"] == 1  # kernel metrics exist for any server
    assert "backend: process (mine is no image)" in ended.err


def test_a_server_that_breaks_the_contract_is_not_measured(lab: Lab, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(SERVER.read_text().replace('writer.write(b"ack")', 'writer.write(b"nak")'))
    ended = lab.orchestrate(written(tmp_path, command(broken)), "--out", lab.out)
    assert ended.code == 1, ended.out + ended.err
    assert ended.summary["status"] == "nonconforming"
    assert ended.summary["cases"] == []
    assert "mine violates the contract" in ended.out


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("{command: [./no-such-server]}", "./no-such-server cannot be run"),
        ("{command: [python3, -c, 'raise SystemExit(7)']}", "exit code 7"),
        ("{address: '127.0.0.1:1'}", "no server takes a connection at 127.0.0.1:1"),
        ("{image: no-such-image:1}", "no-such-image"),
    ],
)
def test_a_server_that_cannot_be_started_or_reached_is_one_sentence(
    lab: Lab, tmp_path: Path, target: str, said: str
) -> None:
    backend = ("--backend", "process") if "image" in target else ()
    ended = lab.orchestrate(written(tmp_path, target), *backend, "--out", lab.out)
    assert ended.code == 3, ended.out + ended.err
    assert said in ended.out + ended.err or "is an image; use --backend docker" in ended.out
    assert "Traceback" not in ended.err


def test_a_server_at_an_address_is_measured_and_left_alone(lab: Lab, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "LAB_PORT": str(port)}
    with subprocess.Popen([sys.executable, SERVER], env=environment) as server:
        try:
            await_true(lambda: _connects(port), "the example listens")
            target = f"{{address: '127.0.0.1:{port}', conformance: skip}}"
            ended = lab.run(written(tmp_path, target), "--backend", "process")
            assert ended.code == 0, ended.out + ended.err
            assert ended.case("target")["measures"]["server_exit_code"] is None
            notes = ended.case("target")["notes"]
            assert "no kernel figures: there was no probe" in notes
            assert any("host_busy" in note for note in notes), notes
            assert server.poll() is None
        finally:
            server.terminate()


def test_an_interrupt_ends_the_suite_and_the_server(lab: Lab, tmp_path: Path) -> None:
    ended = lab.interrupt(
        "running the conformance suite", signal.SIGINT, written(tmp_path, command(SERVER)),
        "--out", lab.out,
    )  # fmt: skip
    assert ended.code == 130, ended.out + ended.err
    assert lab.left_processes() == []


SHOW_RIGHTS = """\
import os, socket
os.environ["RES_OPTIONS"] = "timeout:1 attempts:1"  # no name server answers
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status"))
try:
    open("/written", "w").close()
    root = "writable"
except OSError as exc:
    root = exc.strerror
try:
    socket.create_connection(("203.0.113.1", 80), 2)  # for documentation: RFC 5737
    outside = "reached"
except OSError as exc:
    outside = "reached" if isinstance(exc, ConnectionError) else "not reached"
try:
    name = socket.gethostbyname("example.com")
except OSError:
    name = "unknown"
print("outside", outside, "name", name)
print("uid", os.getuid(), "capabilities", status["CapEff"].strip(), "root", root, flush=True)
"""


def own_image(folder: Path) -> Path:
    """Write the example to ``folder``, as an image that asks for root and logs its rights."""
    lines = (SERVER.parent / "Dockerfile").read_text().splitlines()
    dockerfile = "\n".join(line for line in lines if not line.startswith("USER"))
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "server.py").write_text(SHOW_RIGHTS + SERVER.read_text())
    return folder


@pytest.mark.docker
def test_an_image_is_measured_like_a_model_and_confined_like_one(lab: Lab, tmp_path: Path) -> None:
    lines = (ROOT / ".env").read_text().splitlines() if (ROOT / ".env").is_file() else []
    told = dict(line.partition("=")[::2] for line in lines if line.startswith("BASE_IMAGE="))
    with contextlib.closing(docker.from_env()) as engine:
        context = str(own_image(tmp_path / "image"))
        engine.images.build(path=context, tag=IMAGE, buildargs=told, rm=True)
        try:
            target = f"{{name: mine, image: '{IMAGE}'}}"
            more = """\
models: [epoll]
faults:
  - {at: 0s, fault: pause, lasts: 200ms}
  - {at: 0s, fault: latency, lasts: 20s, attributes: {latency: 40ms}}
expect:
  all: [acked == 200, response_time_p50 > 40ms]
"""
            ended = lab.run(written(tmp_path, target, more, LONG_LOAD), "--backend", "docker")
            assert ended.code == 0, ended.out + ended.err
            measures = ended.case("mine")["measures"]
            assert measures["acked"] == 200
            assert measures["processes"] == 1 + 1  # its init
            assert measures["listen_overflows"] == 0
            (folder,) = ended.results
            assert " 0 failed" in (folder / "raw/conformance/report.txt").read_text()
            rights = "outside not reached name unknown\n"
            rights += "uid 65534 capabilities 0000000000000000 root Read-only file system\n"
            assert (folder / "raw/mine/server.log").read_text() == rights
            missing = lab.orchestrate(
                written(tmp_path, "{image: 'no-such-image:1'}"), "--backend", "docker",
                "--out", lab.out,
            )  # fmt: skip
            assert missing.code == 3
            assert "this engine has no image no-such-image:1; build or pull it" in missing.out
        finally:
            engine.images.remove(IMAGE, force=True)


def _connects(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False
