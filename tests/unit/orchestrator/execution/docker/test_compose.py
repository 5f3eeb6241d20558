"""The docker command as it is called, with a script in its place."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from labkit.wire.secret import SECRET
from orchestrator.execution.docker import compose
from orchestrator.execution.docker.compose import (
    Compose,
    ComposeError,
    compose_version,
    docker_environment,
    run_docker,
)
from orchestrator.scenario.models import COMPOSE_FILE, ROOT

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


def test_files_are_found_from_the_folder_of_the_command(calls: Callable[[], list[str]]) -> None:
    """It runs in the checkout, and ``--out`` may be relative to another folder."""
    Compose("lab-1", Path("results/override.yaml")).build("epoll")
    assert str(Path.cwd() / "results/override.yaml") in calls()


def test_output_that_is_no_text_is_output(install: Install) -> None:
    install(r"printf 'a\377b\303\251'")
    assert run_docker(["version"], timeout_s=10) == "a\ufffdbé"


def test_clients_are_scaled_and_no_image_is_built_under_load(
    calls: Callable[[], list[str]],
) -> None:
    Compose("lab-1").up("epoll", "client", clients=7)
    assert calls()[-8:] == [
        "up", "--detach", "--no-build", "--no-deps", "--scale", "client=7", "epoll", "client",
    ]  # fmt: skip


def test_without_clients_a_server_is_started_alone(calls: Callable[[], list[str]]) -> None:
    Compose("lab-1").up("epoll")
    assert calls()[-5:] == ["up", "--detach", "--no-build", "--no-deps", "epoll"]


def test_a_secret_is_in_the_environment_of_the_command_and_not_in_its_arguments(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "of the caller's shell")
    install(f'echo "${SECRET}" > {tmp_path}/secret; echo "$@" > {tmp_path}/arguments')
    Compose("lab-1", environment={SECRET: "5ec7e7"}).up("epoll", clients=1)
    assert (tmp_path / "secret").read_text() == "5ec7e7\n"
    assert "5ec7e7" not in (tmp_path / "arguments").read_text()


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


def test_only_settings_of_the_machine_reach_compose(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others would take the place of the scenario's, or change what Compose starts."""
    monkeypatch.setenv("LAB_WORKERS", "77")
    monkeypatch.setenv("LAB_NOFILE", "1024")
    monkeypatch.setenv("COMPOSE_PROFILES", "single")
    monkeypatch.setenv("COMPOSE_DISABLE_ENV_FILE", "1")
    monkeypatch.setenv("DOCKER_DEFAULT_PLATFORM", "linux/s390x")
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere")
    monkeypatch.setenv("BASE_IMAGE", "mine")
    install("env")
    seen = run_docker(["version"], timeout_s=20.0).splitlines()
    assert {"LAB_WORKERS=", "LAB_NOFILE=1024", "BASE_IMAGE=mine"} < set(seen)
    assert "DOCKER_HOST=unix:///elsewhere" in seen
    assert [line for line in seen if line.startswith(("COMPOSE_", "DOCKER_DEFAULT"))] == []


def test_the_dotenv_file_changes_no_setting_of_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable wins over the file, and stands for the default in compose.yaml."""
    monkeypatch.delenv("LAB_NOFILE", raising=False)
    named = set(re.findall(r"\$\{(LAB_\w+)", COMPOSE_FILE.read_text()))
    defaulted = set(re.findall(r"\$\{(LAB_\w+):-", COMPOSE_FILE.read_text()))
    assert named == defaulted
    seen = docker_environment()
    assert {name for name in named if seen.get(name) != ""} == {"LAB_NOFILE"}


def test_services_are_what_compose_prints_after_its_warnings(install: Install) -> None:
    install(
        """echo 'level=warning msg="obsolete"'; echo '{"services": {"epoll": {"image": "x"}}}'"""
    )
    assert Compose("lab-1").services("epoll") == {"epoll": {"image": "x"}}


def test_the_networks_of_services_are_printed_with_them(install: Install) -> None:
    install("""echo '{"services": {"epoll": {}, "other": {}}, "networks": {"default": null}}'""")
    assert Compose("lab-1").config("epoll") == {
        "services": {"epoll": {}},
        "networks": {"default": None},
    }


@pytest.mark.parametrize("printed", ["", "garbage", "{}", '{"services": []}', "{"])
def test_garbage_instead_of_services_is_a_failure_of_the_command(
    printed: str, install: Install
) -> None:
    install(f"echo '{printed}'")
    with pytest.raises(ComposeError, match="config --format json epoll printed no services"):
        Compose("lab-1").services("epoll")


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("error setting rlimit type 7: operation not permitted", "write LAB_NOFILE=.* into .*env"),
        ("services.epoll.ulimits.nofile: failed to cast", "LAB_NOFILE must be a whole number"),
        ("Range of CPUs is from 0.01 to 2.00", "lower limits.cpus"),
        ("Minimum memory limit allowed is 6MB", "raise limits.memory"),
        ("all predefined address pools have been fully subnetted", "docker network prune"),
    ],
)
def test_a_failure_that_has_a_remedy_names_it(output: str, advice: str, install: Install) -> None:
    install(f"echo '{output}'; exit 1")
    with pytest.raises(ComposeError) as failed:
        Compose("lab-1").up("epoll", clients=1)
    assert output in str(failed.value)
    assert re.search(advice, str(failed.value).splitlines()[-1])


def test_a_failure_without_a_known_remedy_ends_with_its_output(install: Install) -> None:
    install("echo a strange thing; exit 1")
    with pytest.raises(ComposeError, match=r"a strange thing$"):
        Compose("lab-1").up("epoll", clients=1)


def test_a_command_ends_when_the_engine_has_gone(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose itself would wait for minutes, and its plugin holds the output open."""
    monkeypatch.setattr(compose, "WATCH_EVERY_S", 0.02)
    monkeypatch.setattr(compose, "GONE_GRACE_S", 0.02)
    install("trap '' INT; sleep 60 & wait; sleep 60")
    alive = iter([True, False])
    with pytest.raises(ComposeError, match="engine stopped answering during docker compose"):
        Compose("lab-1", is_alive=lambda: next(alive)).up("epoll", clients=1)


def test_no_server_has_the_secret_or_is_on_the_conductor_s_network() -> None:
    services = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]
    networks = {name: set(each.get("networks", ["default"])) for name, each in services.items()}
    assert networks.pop("conductor") == {"control"}
    assert networks.pop("client") == {"default", "control"}
    assert set().union(*networks.values()) == {"default"}
    knowing = {name for name, each in services.items() if SECRET in each.get("environment", {})}
    assert knowing - {"faultproxy"} == {"client", "conductor"}
