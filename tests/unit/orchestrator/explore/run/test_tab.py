"""Starting and stopping: one run at a time, and no bad scenario."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.explore.access import TOKEN_HEADER
from orchestrator.explore.run import tab
from orchestrator.explore.run.board import ENDED, PHASE, Board
from orchestrator.explore.run.live_run import Order
from tests.unit.orchestrator.explore.explore_fixtures import Answer, Site, explore_site
from tests.unit.orchestrator.explore.run.run_fixtures import TEXT

GOOD = {"name": "mine", "yaml": TEXT, "backend": "process"}


class FakeRun:
    """A run that lasts until it is stopped."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.board = Board()
        self.is_over = False
        self.refusal = ""
        self.faults: list[tuple[str, str | None]] = []
        self.board.set({PHASE: "running", "line": order.name})

    def ask_to_stop(self) -> None:
        self.is_over = True
        self.board.set({PHASE: ENDED})

    def ask_for_fault(self, fault: str, lasts: str | None) -> str:
        self.faults.append((fault, lasts))
        return self.refusal

    def close(self) -> None:
        self.ask_to_stop()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[FakeRun]:
    """Return the runs that are started, which need no child."""
    started: list[FakeRun] = []

    def start(order: Order) -> FakeRun:
        started.append(FakeRun(order))
        return started[-1]

    monkeypatch.setattr(tab, "LiveRun", start)
    return started


@pytest.fixture
def site(
    runs: list[FakeRun],  # noqa: ARG001 before the page is asked to start one
    tmp_path: Path,
) -> Iterator[Site]:
    with explore_site(tmp_path) as found:
        yield found


def change(site: Site, path: str, value: object) -> Answer:
    return site.ask(f"/{site.token}/run/{path}", "POST", site.own, json.dumps(value).encode())


def test_one_run_takes_place_at_a_time(site: Site, runs: list[FakeRun]) -> None:
    assert json.loads(change(site, "start", GOOD).text) == {"refused": "", "lines": []}
    second = change(site, "start", GOOD)
    assert (second.code, second.text) == (409, tab.BUSY)
    change(site, "stop", {})
    assert runs[0].is_over
    assert change(site, "start", GOOD).code == 200
    assert [run.order.name for run in runs] == ["mine", "mine"]


def test_a_page_sees_the_run_that_takes_place(site: Site) -> None:
    assert [json.loads(line) for line in site.get("run/follow").text.splitlines()] == [
        {PHASE: ENDED}
    ]
    change(site, "start", GOOD)
    change(site, "stop", {})
    lines = site.get("run/follow").text.splitlines()
    assert json.loads(lines[0]) == {PHASE: ENDED, "line": "mine"}


def test_an_invalid_scenario_is_refused_with_its_lines(site: Site, runs: list[FakeRun]) -> None:
    answer = change(site, "start", {**GOOD, "yaml": "intent: x\nmodels: [none]\n"})
    assert answer.code == 200
    refused = json.loads(answer.text)["refused"]
    assert "mine.yaml:2:10: unknown model 'none'" in refused
    assert json.loads(answer.text)["lines"] == [1, 2]
    assert runs == []


@pytest.mark.parametrize(
    "body",
    [
        None, [], "x", {}, {"name": "mine"}, {**GOOD, "name": "../x"}, {**GOOD, "name": ""},
        {**GOOD, "name": "x" * 61}, {**GOOD, "name": ".x"}, {**GOOD, "yaml": 1},
        {**GOOD, "backend": "swarm"}, {**GOOD, "backend": ["process"]}, {**GOOD, "name": "a/b"},
        {**GOOD, "name": "a\n"},
    ],
)  # fmt: skip
def test_what_the_page_does_not_send_is_refused(
    site: Site, runs: list[FakeRun], body: object
) -> None:
    assert change(site, "start", body).code == 400
    assert runs == []


def test_a_fault_is_asked_of_the_run_that_takes_place(site: Site, runs: list[FakeRun]) -> None:
    change(site, "start", GOOD)
    for each in tab.FAULTS:
        answer = change(site, "fault", {"label": each.label})
        assert json.loads(answer.text) == {"line": each.done}
    assert runs[0].faults == [
        ("kill-worker", None), ("pause", "500ms"), ("pause", "1s"), ("fill-backlog", "1s"),
    ]  # fmt: skip


def test_a_fault_that_does_not_fit_is_refused_with_the_reason(
    site: Site, runs: list[FakeRun]
) -> None:
    """It is no error of the page, so its status is 200."""
    pause = {"label": "Pause 1 s"}
    before = change(site, "fault", pause)
    assert (before.code, before.text) == (200, f"Pause 1 s: {tab.NO_RUN}")
    change(site, "start", GOOD)
    runs[0].refusal = "no server is under load now"
    refused = change(site, "fault", pause)
    assert (refused.code, refused.text) == (200, "Pause 1 s: no server is under load now")
    change(site, "stop", {})
    assert change(site, "fault", pause).text == f"Pause 1 s: {tab.NO_RUN}"


@pytest.mark.parametrize("body", [None, {}, {"label": "terminate"}, {"label": 1}, {"fault": "x"}])
def test_a_fault_without_a_button_is_not_injected(
    site: Site, runs: list[FakeRun], body: object
) -> None:
    change(site, "start", GOOD)
    assert change(site, "fault", body).code == 400
    assert runs[0].faults == []


def test_another_page_injects_no_fault(site: Site, runs: list[FakeRun]) -> None:
    change(site, "start", GOOD)
    body = json.dumps({"label": "Pause 1 s"}).encode()
    for changed in ({TOKEN_HEADER: "x"}, {"origin": "http://evil.example"}):
        asked = site.ask(f"/{site.token}/run/fault", "POST", {**site.own, **changed}, body)
        assert asked.code == 403
    assert site.ask("/run/fault", "POST", site.own, body).code == 403
    assert runs[0].faults == []


@pytest.mark.parametrize("path", ["run/start", "run/stop", "run/fault"])
def test_a_get_changes_nothing(site: Site, runs: list[FakeRun], path: str) -> None:
    assert site.get(path).code == 405
    assert runs == []


def test_the_end_of_the_page_ends_the_run(runs: list[FakeRun], tmp_path: Path) -> None:
    with explore_site(tmp_path) as site:
        change(site, "start", GOOD)
        assert not runs[0].is_over
    assert runs[0].is_over


def test_the_page_begins_with_a_scenario_as_it_is_written(site: Site) -> None:
    page = site.get("").text
    assert "models: [single, prefork, threaded, epoll]\n" in page
    assert 'value="quickstart"' in page
