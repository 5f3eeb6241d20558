"""The place of a campaign or a capacity search: which backend, and the command in the results."""

import argparse
import contextlib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.campaign.campaign import CAMPAIGN_ID
from orchestrator.campaign.setup import Setup
from orchestrator.cli import place
from orchestrator.cli.place import Place, choose_backend, place_of
from orchestrator.cli.screen import Screen
from orchestrator.execution.backend import BackendError
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.hosts import Hosts
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.yaml_document import ScenarioError
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, FakeBackend

NO_ENGINE = "no Docker engine answers"


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "find_engine", lambda: (None, NO_ENGINE))


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("process", "as requested"),
        ("auto", f"{NO_ENGINE}; plain local processes instead of containers"),
    ],
)
def test_without_an_engine_runs_are_local_processes(choice: str, reason: str) -> None:
    backend, why = choose_backend(choice, "0badcafe", keep=False)
    assert isinstance(backend, ProcessBackend)
    assert why == reason


@pytest.mark.parametrize(
    ("choice", "keep", "message"),
    [
        ("docker", False, "make engine base-image.*--backend process"),
        ("auto", True, "no Docker engine answers; start one"),
        ("process", True, "--keep keeps containers running, and --backend process has none"),
    ],
)
def test_what_needs_containers_fails_without_them(choice: str, keep: bool, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        choose_backend(choice, "0badcafe", keep=keep)


def test_what_stays_behind_is_named_with_what_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO)
    scenario = load_scenario(path, known_models=None)
    backend, printed = FakeBackend(), StringIO()
    backend.kept, backend.left = ("lab-kept",), ("lab-left",)
    setup = Setup("two", scenario, backend, "as requested", Archive(tmp_path))
    Place(setup, Screen(file=printed, width=400), "0badcafe").show_left()
    kept, left = printed.getvalue().splitlines()
    assert kept == "lab-kept is kept; to remove: docker compose -p lab-kept down"
    assert "the project lab-left" in left
    assert left.endswith("orchestrate.py clean --campaign 0badcafe")


def test_what_is_kept_on_several_hosts_is_removed_from_all(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO)
    backend, printed = FakeBackend(), StringIO()
    backend.kept = ("lab-kept",)
    scenario = load_scenario(path, known_models=None)
    setup = Setup("two", scenario, backend, "as requested", Archive(tmp_path))
    messages = Screen(file=printed, width=400)
    Place(setup, messages, "0badcafe", ["--hosts", "my hosts.yaml"]).show_left()
    words = "clean --campaign 0badcafe --hosts 'my hosts.yaml'"
    assert printed.getvalue().strip().endswith(f".venv/bin/python orchestrate.py {words}")


def swarm_arguments(tmp_path: Path) -> argparse.Namespace:
    scenario, hosts = tmp_path / "s.yaml", tmp_path / "lab.hosts.yaml"
    scenario.write_text(SCENARIO)
    hosts.write_text("hosts: {a: {context: a}, b: {context: b}}\n")
    return argparse.Namespace(
        scenario=scenario, hosts=hosts, backend="swarm", keep=False, out=tmp_path, settings=[]
    )


def swarm_place(arguments: argparse.Namespace) -> tuple[str, str, str]:
    """Return the backend's name, the reason for it, and the command to do the same again."""
    scenario = load_scenario(arguments.scenario, known_models=None)
    with place_of(arguments, scenario, ["run"]) as found:
        return found.setup.backend.name, found.setup.backend_reason, found.setup.command


def test_the_command_of_a_run_from_the_page_names_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = swarm_arguments(tmp_path)
    arguments.backend, arguments.hosts, arguments.out = "process", None, tmp_path / "results"
    scenario = load_scenario(arguments.scenario, known_models=None)
    monkeypatch.setenv(CAMPAIGN_ID, "0badcafe")
    monkeypatch.chdir(tmp_path)
    with place_of(arguments, scenario, ["run"]) as found:
        folder = found.setup.archive.path.relative_to(tmp_path)
        assert found.setup.name == "s"
        assert f"run {folder}/scenario.yaml --backend process" in found.setup.command


def test_several_hosts_are_a_backend_whose_file_is_in_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    @contextlib.contextmanager
    def fleet(hosts: Hosts) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(hosts=list(hosts.by_name))
        closed.append("closed")

    monkeypatch.setattr(place, "find_engine", lambda: (SimpleNamespace(), "an engine answers"))
    monkeypatch.setattr(place, "connected_fleet", fleet)
    arguments = swarm_arguments(tmp_path)
    name, reason, command = swarm_place(arguments)
    assert (name, reason) == ("swarm", f"2 hosts of {arguments.hosts}")
    assert command.endswith(f"--backend swarm --hosts {arguments.hosts}")
    assert closed == ["closed"]


def test_clients_are_placed_only_on_hosts_of_the_file(tmp_path: Path) -> None:
    arguments = swarm_arguments(tmp_path)
    text = arguments.scenario.read_text()
    arguments.scenario.write_text(text.replace("users:", "place: {host: c}, users:"))
    with pytest.raises(MisuseError, match="place of clients: unknown host 'c'; allowed: a, b"):
        swarm_place(arguments)
    arguments.backend, arguments.hosts = "docker", None
    with pytest.raises(MisuseError, match="place of clients: there is one host only"):
        swarm_place(arguments)


def test_a_scenario_may_name_the_backend_itself(tmp_path: Path) -> None:
    arguments = swarm_arguments(tmp_path)
    text = arguments.scenario.read_text()
    arguments.scenario.write_text(text + "backend: process\n")
    arguments.backend, arguments.hosts = None, None
    name, _, command = swarm_place(arguments)
    assert name == "process"
    assert command.endswith("--backend process")
    arguments.scenario.write_text(text + "backend: swarm\n")
    with pytest.raises(ScenarioError, match=r"lab\.hosts\.yaml:1:1: cannot be read: no such file"):
        swarm_place(arguments)


def test_several_hosts_need_an_engine_here_that_builds_the_images(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=f"{NO_ENGINE}, and the images are built here; start"):
        swarm_place(swarm_arguments(tmp_path))


def test_hosts_without_their_backend_are_misuse(tmp_path: Path) -> None:
    arguments = swarm_arguments(tmp_path)
    arguments.backend = "auto"
    with pytest.raises(MisuseError, match="--hosts names the hosts of --backend swarm; add that"):
        swarm_place(arguments)


def test_the_hosts_file_has_a_usual_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = swarm_arguments(tmp_path)
    arguments.hosts = None
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BackendError, match=f"{NO_ENGINE}, and the images are built here"):
        swarm_place(arguments)


def test_what_several_hosts_cannot_do_is_refused_before_they_are_connected(tmp_path: Path) -> None:
    arguments = swarm_arguments(tmp_path)
    with arguments.scenario.open("a") as scenario:
        scenario.write("faults: [{at: 1s, fault: kill, lasts: 1s}]\n")
    with pytest.raises(BackendError, match="kill with lasts: Swarm does not start a container"):
        swarm_place(arguments)
