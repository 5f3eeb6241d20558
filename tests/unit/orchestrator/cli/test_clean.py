"""``clean`` finds leftovers, and removes those that are not in use."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.cli import clean
from orchestrator.cli.clean import Leftover, end_process, find_processes, find_projects
from orchestrator.cli.main import main
from orchestrator.execution.docker.engine import PROJECT_LABEL
from orchestrator.execution.owner import LABEL, MARK, Owner, claim
from orchestrator.execution.swarm.fleet import Fleet
from orchestrator.scenario.hosts import Hosts
from tests.unit.orchestrator.execution.owner_fixtures import CAMPAIGN, gone_owner, sleeper


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Return this process as an owner; the processes that it starts have its mark."""
    monkeypatch.setenv(MARK, "")
    return claim(CAMPAIGN, kept=False)


@pytest.fixture
def gone(owner: Owner) -> Owner:
    """Return an owner that has ended."""
    assert os.environ[MARK] == str(owner)
    return gone_owner()


def found(campaign_id: str) -> list[Leftover]:
    return [each for each in find_processes() if each.campaign_id == campaign_id]


def test_what_a_dead_orchestrator_left_is_found_and_ended(gone: Owner) -> None:
    with sleeper(str(gone)) as process:
        (left,) = found(CAMPAIGN)
        assert left.reason_to_stay(None) == ""
        assert f"process {process.pid} (" in left.what
        end_process(left)
        assert process.wait() == -9
    assert found(CAMPAIGN) == []


def test_what_is_in_use_stays(owner: Owner) -> None:
    with sleeper(str(owner)):
        (left,) = found(CAMPAIGN)
        for asked in (None, CAMPAIGN):
            assert left.reason_to_stay(asked) == f"in use by process {os.getpid()}"


def test_a_number_that_is_somebody_elses_by_now_is_not_killed(gone: Owner) -> None:
    with sleeper("nobody") as process:
        end_process(Leftover(CAMPAIGN, gone, "", pid=process.pid))
        assert process.poll() is None


@pytest.mark.parametrize("change", [{"kept": True}, {"host": "elsewhere"}])
def test_naming_the_campaign_removes_what_may_be_wanted(
    gone: Owner, change: dict[str, object]
) -> None:
    left = Leftover(CAMPAIGN, replace(gone, **change), "")  # type: ignore[arg-type]
    assert f"remove it with --campaign {CAMPAIGN}" in left.reason_to_stay(None)
    assert left.reason_to_stay("other") != ""
    assert left.reason_to_stay(CAMPAIGN) == ""


@pytest.mark.parametrize("checkout", ["", "/somewhere/else"])
def test_what_another_checkout_left_is_removed_only_with_all(gone: Owner, checkout: str) -> None:
    left = Leftover(CAMPAIGN, replace(gone, checkout=checkout), "")
    for asked in (None, CAMPAIGN):
        assert "remove it with --all" in left.reason_to_stay(asked)
        assert checkout in left.reason_to_stay(asked)
        assert left.reason_to_stay(asked, of_all=True) == ""


def test_all_does_not_remove_what_is_in_use(owner: Owner) -> None:
    left = Leftover(CAMPAIGN, replace(owner, checkout="/somewhere/else"), "")
    assert "in use by process" in left.reason_to_stay(CAMPAIGN, of_all=True)


@pytest.mark.parametrize("odd", ["9" * 5000, "\udcff\udcfe", "-1", "\u0661"])
def test_processes_with_an_odd_mark_or_name_do_not_hide_the_others(gone: Owner, odd: str) -> None:
    marks = [f"{CAMPAIGN}:{odd}:1:host:", f"{odd}:1:1:host:", str(gone)]
    with ExitStack() as stack:
        for mark in marks:
            stack.enter_context(sleeper(mark, name=b"\xff\xfe"))
        assert len(found(CAMPAIGN)) == 1


class FakeEngine:
    """An engine with projects of the lab, of an older version of it, and of others."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self.removed: list[str] = []

    def remove(self, project: str) -> None:
        self.removed.append(project)

    def projects(self) -> dict[str, list[tuple[dict[str, str], str]]]:
        ours = {LABEL: self._mark}
        return {
            f"lab-{CAMPAIGN}-1": [(ours, "container"), (ours, "container"), (ours, "network")],
            "lab-0000cafe-2": [({}, "network")],
            "lab-1111cafe-1": [(ours, "container")],
            "label-maker": [(ours, "container")],
            "server-models-lab": [({LABEL: ""}, "container")],
        }


def test_only_projects_of_ours_are_found(gone: Owner) -> None:
    first, second = find_projects(FakeEngine(str(gone)))  # type: ignore[arg-type]
    assert first.what == f"project lab-{CAMPAIGN}-1 (2 containers, 1 network)"
    assert first.reason_to_stay(None) == ""
    assert (second.campaign_id, second.owner) == ("0000cafe", None)
    assert "cannot tell from this host" in second.reason_to_stay(None)


@pytest.mark.usefixtures("without_engine")
def test_hosts_are_cleaned_and_those_that_do_not_answer_are_named(
    gone: Owner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "lab.hosts.yaml"
    file.write_text("hosts: {a: {context: a}, b: {context: b}}\n")
    fleet = FakeEngine(str(gone))

    @contextmanager
    def connected(hosts: Hosts) -> Iterator[tuple[list[str], list[str]]]:
        yield list(hosts.by_name)[:1], ["b: no Docker engine answers"]

    monkeypatch.setattr(clean, "connected_to_all", connected)
    monkeypatch.setattr(clean, "read_facts", lambda engine: engine)
    monkeypatch.setattr(Fleet, "of", lambda *_: fleet)
    assert main(["clean", "--campaign", CAMPAIGN, "--hosts", str(file)]) == 0
    printed = capsys.readouterr()
    assert fleet.removed == [f"lab-{CAMPAIGN}-1"]
    assert printed.out.startswith(f"removed: project lab-{CAMPAIGN}-1 (2 containers, 1 network)")
    assert "not checked: b: no Docker engine answers\n" in printed.err


@pytest.mark.usefixtures("without_engine")
def test_images_are_removed_from_each_host_on_request(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "lab.hosts.yaml"
    file.write_text("hosts: {a: {context: a}}\n")
    image = SimpleNamespace(tags=["server-models-lab/client:x"])
    fleet = SimpleNamespace(engines={"a": "engine of a"}, projects=dict)
    removed: list[tuple[object, ...]] = []

    def remove(*words: object) -> bool:
        removed.append(words)
        return True

    monkeypatch.setattr(clean, "connected_to_all", lambda _: nullcontext((["a"], [])))
    monkeypatch.setattr(clean, "read_facts", lambda engine: engine)
    monkeypatch.setattr(Fleet, "of", lambda *_: fleet)
    monkeypatch.setattr(clean, "lab_images", lambda _: [image])
    monkeypatch.setattr(clean, "remove_tags", remove)
    assert main(["clean", "--campaign", CAMPAIGN, "--images", "--hosts", str(file)]) == 0
    assert removed == [("engine of a", image)]
    printed = capsys.readouterr().out
    assert printed == "removed: image server-models-lab/client:x on a\n"


@pytest.fixture
def without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean, "find_engine", lambda: (None, "no Docker engine answers"))


@pytest.mark.usefixtures("without_engine")
def test_a_dry_run_prints_and_removes_nothing(
    gone: Owner, capsys: pytest.CaptureFixture[str]
) -> None:
    with sleeper(str(gone)) as process:
        assert main(["clean", "--campaign", CAMPAIGN, "--dry-run"]) == 0
        assert process.poll() is None
    printed = capsys.readouterr()
    assert printed.out.startswith(f"would remove: process {process.pid} (")
    assert printed.out.endswith(f" of campaign {CAMPAIGN}\n")
    assert printed.err == "containers were not checked: no Docker engine answers\n"


@pytest.mark.usefixtures("without_engine")
def test_leftovers_are_removed_and_printed(gone: Owner, capsys: pytest.CaptureFixture[str]) -> None:
    with sleeper(str(gone)) as process:
        assert main(["clean", "--campaign", CAMPAIGN]) == 0
        assert process.wait() == -9
    assert capsys.readouterr().out.startswith(f"removed: process {process.pid} (")
    assert main(["clean", "--campaign", CAMPAIGN]) == 0
    assert capsys.readouterr().out == "no processes to remove\n"


@pytest.mark.usefixtures("without_engine")
def test_what_is_not_removed_is_printed_with_the_reason(
    owner: Owner, capsys: pytest.CaptureFixture[str]
) -> None:
    with sleeper(str(owner)) as process:
        assert main(["clean", "--campaign", CAMPAIGN]) == 0
        assert process.poll() is None
    printed = capsys.readouterr()
    assert f"not removed: process {process.pid} (" in printed.err
    assert f"in use by process {os.getpid()}" in printed.err
    assert printed.out == "no processes to remove\n"


@pytest.fixture
def without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find none: without a campaign, those of tests that run beside this one would be ended."""
    monkeypatch.setattr(clean, "find_processes", lambda: iter(()))


class EngineWithImages(FakeEngine):
    """An engine with one image of the lab, which a container uses or does not."""

    def __init__(self, mark: str, *, is_used: bool = False) -> None:
        super().__init__(mark)
        self._is_used = is_used

    def images(self) -> list[SimpleNamespace]:
        tags = ["server-models-lab/epoll:source-1"]
        return [SimpleNamespace(id="sha256:1", tags=tags, labels={PROJECT_LABEL: "lab-0badcafe"})]

    def remove_image(self, _name: str) -> bool:
        return not self._is_used


@pytest.mark.usefixtures("without_processes")
@pytest.mark.parametrize("is_used", [False, True])
def test_images_are_removed_on_request_unless_a_container_uses_them(
    is_used: bool, gone: Owner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = EngineWithImages(str(gone), is_used=is_used)
    monkeypatch.setattr(clean, "find_engine", lambda: (engine, "an engine answers"))
    assert main(["clean", "--dry-run"]) == 0
    assert "image" not in capsys.readouterr().out
    monkeypatch.setattr(clean, "_remove", lambda *_: None)
    assert main(["clean", "--images"]) == 0
    printed = capsys.readouterr()
    assert ("removed: image server-models-lab/epoll:source-1" in printed.out) is not is_used
    assert ("epoll:source-1: a container uses it" in printed.err) is is_used


@pytest.mark.usefixtures("without_processes")
def test_images_stay_while_a_run_needs_them(
    owner: Owner, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = EngineWithImages(str(owner))
    monkeypatch.setattr(clean, "find_engine", lambda: (engine, "an engine answers"))
    assert main(["clean", "--images"]) == 0
    printed = capsys.readouterr()
    assert f"not removed: images: in use by process {os.getpid()}" in printed.err
    assert "image" not in printed.out
