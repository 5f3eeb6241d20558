"""Probes of this process, and of the archive that is sent into containers."""

import base64
import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conformance import ROOT
from orchestrator.execution.docker.engine import PROJECT_LABEL, SERVICE_LABEL
from orchestrator.execution.owner import LABEL
from orchestrator.execution.probe import PYTHON_OPTIONS, UNPACK, KernelProbes, packed_probe
from orchestrator.results.archive import KERNEL

MAX_ARGUMENT_BYTES = 128 * 1024  # MAX_ARG_STRLEN of Linux, for one argument


def events_in(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_the_archive_has_every_module_of_the_probe_and_fits_in_an_argument() -> None:
    assert len(packed_probe()) < MAX_ARGUMENT_BYTES
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(packed_probe()))) as archive:
        assert archive.testzip() is None
        for module in (ROOT / "probe").glob("*.py"):
            assert archive.read(f"probe/{module.name}") == module.read_bytes()


def test_the_archive_runs_without_the_repository(tmp_path: Path) -> None:
    """As in a server's container: in another folder, with nothing installed."""
    found = subprocess.run(
        [sys.executable, *PYTHON_OPTIONS, "-c", UNPACK, packed_probe(), str(os.getpid()), "1"],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
        timeout=20,
    )  # fmt: skip
    assert found.stderr == ""
    events = events_in(found.stdout)
    assert (events[0], events[-1]) == ("begun", "ended")
    assert "looked" in events


def test_a_probe_has_looked_before_the_load_begins_and_looks_again_at_the_end(
    tmp_path: Path,
) -> None:
    probes = KernelProbes(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        probes.look_at_process(os.getpid(), listener.getsockname()[1])
        try:
            probes.await_first_look()
            before = (tmp_path / KERNEL).read_text().count('"looked"')
            probes.end()
        finally:
            probes.kill()
    events = events_in((tmp_path / KERNEL).read_text())
    assert before >= 1
    assert events.count("looked") > before
    assert events[-1] == "ended"


def test_a_probe_that_cannot_start_fails_nothing_and_leaves_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.execution.probe.PYTHON_OPTIONS", ("--no-such-option",))
    probes = KernelProbes(tmp_path)
    probes.look_at_process(os.getpid(), 1)
    probes.await_first_look()
    probes.end()
    assert (tmp_path / KERNEL).read_text() == ""
    assert "no-such-option" in (tmp_path / KERNEL).with_suffix(".stderr").read_text()


def test_ending_probes_that_never_started_or_have_ended_does_nothing(tmp_path: Path) -> None:
    probes = KernelProbes(tmp_path)
    probes.end()
    probes.kill()
    assert not (tmp_path / KERNEL).exists()


@pytest.mark.parametrize("image", [None, "sha256:2"])
def test_a_probe_is_beside_the_container_if_its_memory_must_not_count(
    image: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs about as much as a small server, which the kernel would kill for it."""
    started: list[str] = []
    monkeypatch.setattr(KernelProbes, "_start", lambda _, command: started.extend(command))
    server = SimpleNamespace(
        id="5e44e4",
        attrs={"Config": {"User": "65534:65534"}},
        labels={PROJECT_LABEL: "lab-1", LABEL: "me"},
        logs=lambda: b'{"event": "listening", "pid": 7}\n',
    )
    KernelProbes(tmp_path).look_at_container(server, 3000, image)  # type: ignore[arg-type]
    command = " ".join(started)
    assert command.endswith(f"{packed_probe()} 7 3000")
    if image is None:
        assert command.startswith("docker exec --interactive 5e44e4 python3 -S -E -c ")
        return
    assert command.startswith("docker run --rm --interactive --read-only ")
    for option in (
        "--pid container:5e44e4 --network container:5e44e4",
        "--user 65534:65534",
        f"--label {PROJECT_LABEL}=lab-1 --label {LABEL}=me --label {SERVICE_LABEL}=probe",
        f"--entrypoint python3 {image} -S -E -c ",
    ):
        assert option in command


def test_a_probe_reaches_the_engine_of_its_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\necho "$DOCKER_HOST $1"\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    probes = KernelProbes(tmp_path, {"DOCKER_HOST": "unix:///far"})
    server: Any = SimpleNamespace(id="5e44e4", logs=lambda: b"")
    probes.look_at_container(server, 3000)
    probes.end()
    assert (tmp_path / KERNEL).read_text() == "unix:///far exec\n"
