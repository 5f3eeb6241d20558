"""The docker command as it is called, with a script in its place."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from labkit.wire.secret import SECRET
from orchestrator.execution.docker.compose import (
    Compose,
    ComposeError,
    compose_version,
    run_docker,
)
from orchestrator.scenario.models import ROOT

Install = Callable[[str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a shell script as the only docker command."""

    def install(script: str) -> None:
        path = tmp_path / "docker"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return install


@pytest.fixture
def calls(install: Install, tmp_path: Path) -> Callable[[], list[str]]:
    """Return the arguments of the latest call, one for each item."""
    install(f'printf "%s\\n" "$@" > {tmp_path}/arguments')
    return lambda: (tmp_path / "arguments").read_text().splitlines()


def test_only_this_repositorys_project_is_built(calls: Callable[[], list[str]]) -> None:
    Compose("lab-1", Path("/over/ride.yaml")).build("epoll", "client")
    assert calls() == [
        "compose", "--project-name", "lab-1", "--project-directory", str(ROOT),
        "--file", str(ROOT / "compose.yaml"), "--file", "/over/ride.yaml",
        "build", "epoll", "client",
    ]  # fmt: skip


def test_clients_are_scaled_and_no_image_is_built_under_load(
    calls: Callable[[], list[str]],
) -> None:
    Compose("lab-1").up("epoll", "client", clients=7)
    assert calls()[-8:] == [
        "up", "--detach", "--no-build", "--no-deps", "--scale", "client=7", "epoll", "client",
    ]  # fmt: skip


def test_the_version_is_one_word(install: Install) -> None:
    install("echo v2.24.0")
    assert compose_version() == "v2.24.0"


def test_a_failure_has_the_short_command_and_all_that_it_printed(install: Install) -> None:
    install("echo building; echo no space left >&2; exit 17")
    with pytest.raises(ComposeError) as failed:
        Compose("lab-1").build("epoll")
    command, _, output = str(failed.value).partition("\n")
    assert command == "docker compose --project-name lab-1 build epoll failed:"
    assert "building" in output
    assert "no space left" in output


def test_output_that_is_not_text_harms_nothing(install: Install) -> None:
    install("printf 'a\\377b'")
    assert run_docker(["version"], timeout_s=20.0) == "a\ufffdb"


def test_a_command_that_takes_too_long_is_interrupted(install: Install) -> None:
    install("exec sleep 60")
    with pytest.raises(ComposeError, match=r"^docker compose up took over 0\.02 s$"):
        run_docker(["compose", "up"], timeout_s=0.02)


def test_settings_of_the_caller_do_not_reach_compose(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose would put them in the place of the scenario's."""
    monkeypatch.setenv("LAB_WORKERS", "77")
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere")
    install("env")
    seen = run_docker(["version"], timeout_s=20.0)
    assert "LAB_WORKERS" not in seen
    assert "DOCKER_HOST=unix:///elsewhere" in seen


def test_no_server_has_the_secret_or_is_on_the_conductor_s_network() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    networks = {name: set(each.get("networks", ["default"])) for name, each in services.items()}
    assert networks.pop("conductor") == {"control"}
    assert networks.pop("client") == {"default", "control"}
    assert set().union(*networks.values()) == {"default"}
    knowing = {name for name, each in services.items() if SECRET in each.get("environment", {})}
    assert knowing - {"faultproxy"} == {"client", "conductor"}
