"""Limits of a server's container hold, in whatever environment the orchestrator is called."""

from pathlib import Path

import pytest

from tests.e2e.lab_fixtures import Lab

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.together]

LIMITED = """\
intent: Does a server keep its limit?
models: [single]
limits: {{memory: {memory}}}
clients: [{{executor: closed, users: 1, messages: 1, demand: sleep=1ms}}]
"""


def limited(folder: Path, memory: str) -> Path:
    path = folder / "limited.yaml"
    path.write_text(LIMITED.format(memory=memory))
    return path


def test_a_server_runs_within_a_small_limit_beside_its_probe(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe takes 10 MB; within the server's limit it would have the server killed."""
    monkeypatch.setenv("COMPOSE_FILE", "/no/such/file")
    monkeypatch.setenv("COMPOSE_DISABLE_ENV_FILE", "1")
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/s390x")
    ended = lab.run(limited(tmp_path, "16MiB"), "--backend", "docker")
    assert ended.code == 0, ended.out + ended.err
    measures = ended.case("single")["measures"]
    assert measures["acked"] == 1
    assert 0 < measures["memory_pss_bytes"] < 16 << 20
    assert measures["processes"] == 1


def test_a_server_that_needs_more_memory_is_reported_with_its_limit(
    lab: Lab, tmp_path: Path
) -> None:
    scenario = limited(tmp_path, "8MiB")
    ended = lab.orchestrate(scenario, "--backend", "docker", "--out", lab.out)
    assert ended.code == 3, ended.out + ended.err
    killed = "the kernel killed a process of single, whose memory limit is 8 MiB"
    assert killed in ended.summary["reason"]
