"""``explore`` as a user starts and ends it, with runs that it starts."""

import json
import re
import signal
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestrator.execution.fault_requests import NO_LOAD
from orchestrator.execution.program_log import wait_for
from orchestrator.explore.access import TOKEN_HEADER
from orchestrator.explore.run.launch import NOT_BEGUN
from tests.e2e.lab_fixtures import DEADLINE_S, Lab

pytestmark = pytest.mark.together

CUE = "Ctrl-C ends it"
SHORT = """\
intent: Who waits for clients that say no goodbye? They have no twin, so the axis is the report's.
models: [prefork]
clients:
  - {executor: closed, users: 5, messages: 2, demand: sleep=20ms, behaviour: no-goodbye}
server: {workers: 2}
"""
LONG = """\
intent: Who waits for ever?
models: [prefork]
clients: [{executor: closed, users: 3, messages: 500, demand: sleep=100ms}]
"""
FAULTY = """\
intent: Who waits for a worker that a person has killed?
models: [prefork]
clients: [{executor: closed, users: 3, messages: 45, demand: sleep=100ms}]
server: {workers: 2}
"""
BARS = re.compile(
    r'<path class="(?:lag|accept|queue|service k\d|answer)" stroke-width="[^"]*" d="M'
)


@dataclass(frozen=True)
class Page:
    """The page of a running ``explore``."""

    process: Popen[str]
    host: str
    token: str

    @contextmanager
    def asked(self, path: str, value: object = None) -> Iterator[HTTPResponse]:
        """Send a GET, or a POST if there is a ``value``."""
        headers = {TOKEN_HEADER: self.token, "origin": f"http://{self.host}"}
        method = "GET" if value is None else "POST"
        body = None if value is None else json.dumps(value)
        with closing(HTTPConnection(self.host, timeout=DEADLINE_S)) as connection:
            connection.request(method, f"/{self.token}/{path}", body, headers)
            with connection.getresponse() as response:
                assert response.status == 200
                yield response

    def ask(self, path: str, value: object = None) -> str:
        """Return the answer to such a request."""
        with self.asked(path, value) as response:
            return response.read().decode()

    def run(self, text: str, backend: str = "process") -> None:
        """Start a run of the scenario ``text``."""
        asked = {"name": "mine", "yaml": text, "backend": backend}
        assert json.loads(self.ask("run/start", asked))["refused"] == ""

    def inject(self, label: str) -> None:
        """Press the button of a fault until a server is under load."""
        assert wait_for(lambda: self._is_injected(label), DEADLINE_S)

    def _is_injected(self, label: str) -> bool:
        answer = self.ask("run/fault", {"label": label})
        return not answer.endswith((NO_LOAD, NOT_BEGUN)) and "line" in json.loads(answer)

    def follow(self) -> Generator[dict[str, Any], None, None]:
        """Yield what the page is sent of the run, until it has ended."""
        with self.asked("run/follow") as response:
            for line in response:
                yield json.loads(line)

    def wait_for_line(self, text: str) -> None:
        """Return once the run has printed ``text``."""
        with closing(self.follow()) as following:
            assert any(text in each.get("line", "") for each in following)

    def wait_for_load(self) -> None:
        """Return once the run is under load."""
        self.wait_for_line("under load")


@contextmanager
def served(lab: Lab, *words: str) -> Iterator[Page]:
    """Serve the page, and end the program if it has not ended by itself."""
    with lab.running(CUE, "explore", *words, "--no-browser", "--out", lab.out) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().removeprefix("explore: ").strip())
        yield Page(process, address.netloc, address.path.strip("/"))


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_page_until_it_is_interrupted(lab: Lab, signum: signal.Signals) -> None:
    with served(lab, "scenarios/gil.yaml") as page:
        shown = page.ask("")
        assert "Server Models Lab" in shown
        assert "In prefork no user waits" in shown
        page.process.send_signal(signum)
        out, err = page.process.communicate(timeout=DEADLINE_S)
    assert page.process.returncode == 0
    assert (out, err) == ("", "")
    assert not lab.out.exists()


def lanes_in(markup: str) -> list[str]:
    """Return the bars of all lanes of workers and connections in ``markup``, in its order."""
    return [line for line in markup.splitlines() if BARS.match(line)]


@pytest.mark.slow
def test_the_lanes_of_a_run_are_those_of_its_report(lab: Lab) -> None:
    with served(lab) as page:
        page.run(SHORT)
        values: dict[str, Any] = {}
        scenes = []
        for each in page.follow():
            values |= each
            scenes += [scene for name, scene in each.items() if name == "scene:prefork"]
        (folder,) = lab.out.iterdir()
        report = (folder / "report.html").read_text(encoding="utf-8")
        command = json.loads((folder / "environment.json").read_bytes())["command"]
    assert f"orchestrate.py run {folder}/scenario.yaml --backend process" in command
    assert f"past_runs/files/{folder.name}/report.html" in values["result"]
    assert "as in the report" in scenes[-1]
    assert len(lanes_in(scenes[-1])) > 7
    assert lanes_in(scenes[-1]) == lanes_in(report)
    assert any("so far" in scene and lanes_in(scene) for scene in scenes)


@pytest.mark.slow
def test_faults_by_hand_are_those_of_the_results(lab: Lab) -> None:
    """A report of the stored run is the same, byte by byte: nothing is known but its files."""
    with served(lab) as page:
        page.run(FAULTY)
        page.inject("Pause 500 ms")
        refused = page.ask("run/fault", {"label": "Kill a worker"})
        assert "kill-worker cannot begin then: the pause at" in refused
        page.wait_for_line("pause is over")
        page.inject("Kill a worker")
        seen = list(page.follow())
        live = [scene for each in seen if "so far" in (scene := each.get("scene:prefork", ""))]
        assert any("pause (by hand)" in scene for scene in live)
        (folder,) = lab.out.iterdir()
        stored = [folder / name for name in ("summary.json", "report.html")]
        before = [path.read_bytes() for path in stored]
        assert lab.orchestrate("report", folder).code == json.loads(before[0])["exit_code"]
        assert [path.read_bytes() for path in stored] == before
    (run,) = json.loads(before[0])["cases"][0]["runs"]
    assert [(each["fault"], each["is_by_hand"], each["error"]) for each in run["faults"]] == [
        ("pause", True, ""),
        ("kill-worker", True, ""),
    ]
    paused, _ = run["faults"]
    assert paused["reverted_s"] - paused["effect_s"] >= 0.5
    assert {"before", "during", "after"} <= set(run["groups"])
    last = seen[-1]
    for shown in (last["scene:prefork"], before[1].decode()):
        assert "pause (by hand)" in shown
    assert "prefork: pause (by hand) at" in last["result"]


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_faults_by_hand_reach_a_server_in_a_container(lab: Lab) -> None:
    with served(lab) as page:
        page.run(FAULTY.replace("messages: 45", "messages: 150"), "docker")
        page.inject("Pause 1 s")
        page.wait_for_line("pause is over")
        page.inject("Kill a worker")
        page.inject("Fill the backlog")
        seen = list(page.follow())
        live = [scene for each in seen if "so far" in (scene := each.get("scene:prefork", ""))]
        for fault in ("pause (by hand)", "kill-worker", "fill-backlog (by hand)"):
            assert any(fault in scene for scene in live), fault
        (folder,) = lab.out.iterdir()
    (case,) = json.loads((folder / "summary.json").read_bytes())["cases"]
    faults = case["runs"][0]["faults"]
    assert [(each["fault"], each["is_by_hand"], each["error"]) for each in faults] == [
        ("pause", True, ""),
        ("kill-worker", True, ""),
        ("fill-backlog", True, ""),
    ]
    assert faults[0]["reverted_s"] - faults[0]["effect_s"] >= 1


@pytest.mark.slow
def test_a_stopped_run_keeps_what_it_has(lab: Lab) -> None:
    with served(lab) as page:
        page.run(LONG)
        page.wait_for_load()
        page.ask("run/stop", {})
        *_, last = page.follow()
        assert "interrupted after 0 of 1 case: you stopped it on the page" in last["result"]
        assert len(lab.left_processes()) == 1  # explore itself


@pytest.mark.docker
@pytest.mark.slow
def test_a_run_in_containers_is_drawn_and_removed_if_the_program_is_killed(lab: Lab) -> None:
    with served(lab) as page:
        page.run(LONG, "docker")
        with closing(page.follow()) as following:
            scenes = (each.get("scene:prefork", "") for each in following)
            assert any("prefork, measured" in scene for scene in scenes)
        page.process.kill()
        page.process.communicate(timeout=DEADLINE_S)
    assert wait_for(lambda: not lab.left_processes(), DEADLINE_S)
    (folder,) = lab.out.iterdir()
    campaign = folder.name.rpartition("-")[2]
    assert "would remove" not in lab.orchestrate("clean", "--dry-run", "--campaign", campaign).out


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_the_end_of_the_program_in_a_run_leaves_nothing(
    lab: Lab, tmp_path: Path, signum: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with served(lab) as page:
        page.run(LONG)
        page.wait_for_load()
        page.process.send_signal(signum)
        page.process.communicate(timeout=DEADLINE_S)
    assert page.process.returncode == (0 if signum == signal.SIGINT else -signum)
    assert wait_for(lambda: not lab.left_processes(), DEADLINE_S)
    assert list(temporary.iterdir()) == []
    (folder,) = lab.out.iterdir()
    assert "explore ended, and its run with it" in (folder / "summary.json").read_text()
    assert "would remove" not in lab.orchestrate("clean", "--dry-run").out
