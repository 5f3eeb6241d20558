"""A run from its start to its end, as the page follows it on a board."""

import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from orchestrator.analysis.chart_data import MAX_CASES, Exhibit, exhibit
from orchestrator.analysis.excerpt import MAX_REQUESTS
from orchestrator.campaign.evaluate_run import measure_run
from orchestrator.campaign.restore import read_summary
from orchestrator.campaign.summarise import Findings
from orchestrator.execution.background import in_background
from orchestrator.explore.past_runs import REPORT
from orchestrator.explore.rendering import render
from orchestrator.explore.run.board import ENDED, PHASE, Board
from orchestrator.explore.run.container_log import ContainerLogs
from orchestrator.explore.run.launch import NOT_BEGUN, Child
from orchestrator.explore.run.observed import is_too_long, observe
from orchestrator.explore.run.predicted import predicted
from orchestrator.explore.run.scenes import Scene, draw, grown
from orchestrator.report import text
from orchestrator.report.html import shown_campaigns
from orchestrator.results.archive import CASE, SERVER_LOG
from orchestrator.results.defect import describe
from orchestrator.results.exit_codes import LabError
from orchestrator.results.fault_log import FAULTS_FILE
from orchestrator.results.summary import Summary
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.scenario import Scenario

LOOK_EVERY_S = 0.3
"""Each look draws, which takes the CPU from what is measured; so it is no more often."""

WAITS, RUNS, HAS_RUN = "it has not begun", "so far, by the server's event log", "as in the report"
AS_PREDICTED = "No case differs from its twin."
STOPPED = "you stopped it before it had any"
WITHOUT_CONTAINERS = "--backend process", "choose process as the Backend, above"
"""What an error advises in a terminal, and on the page."""

TOO_LONG = "its event log has become too long to be drawn while it grows"


@dataclass(frozen=True)
class Order:
    """What to run: a scenario with its text and name, the backend, the folder of all results."""

    name: str
    text: str
    scenario: Scenario
    backend: str
    out: Path


class LiveRun:
    """A run that takes place in a child process, and what `board` shows of it."""

    def __init__(self, order: Order) -> None:
        self.board = Board()
        self._id = secrets.token_hex(4)
        self._order = order
        self._runs = schedule(order.scenario)
        first = {run.case.slug: run for run in self._runs if run.repeat == 1}
        self._first = dict(list(first.items())[:MAX_CASES])
        is_part = len(first) > MAX_CASES
        self._note = f"The first {MAX_CASES} of {len(first)} cases are drawn." if is_part else ""
        self._limit = MAX_REQUESTS // max(len(self._first), 1)
        self._scenes = {
            slug: Scene(run.case.name, Exhibit(), WAITS) for slug, run in self._first.items()
        }
        self._twins: Mapping[str, Exhibit | str] = {}
        self._span_ns = 0
        self._drawn: dict[str, tuple[Scene, int]] = {}
        self._logs: ContainerLogs | None = None
        self._at_end = ExitStack()
        self._child: Child | None = None
        self._stopping, self._closing = threading.Event(), threading.Event()
        self._end = in_background(self._take_place)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and nothing of it runs any more."""
        return self._end.done()

    def ask_to_stop(self) -> None:
        """Interrupt it; what it has measured is stored."""
        self._stopping.set()

    def ask_for_fault(self, fault: str, lasts: str | None) -> str:
        """Ask for a fault now; return why it is refused or failed, empty if it is not."""
        if self._stopping.is_set():
            return "the run is being stopped"
        return NOT_BEGUN if self._child is None else self._child.ask_for_fault(fault, lasts)

    def close(self) -> None:
        """End it, since nobody follows it any more, and return once it has ended."""
        self._closing.set()
        self._end.result()

    def _take_place(self) -> None:
        try:
            with self._at_end:
                self._follow()
        except LabError as exc:
            self._end_without_results(str(exc))
        except Exception as exc:
            self._end_without_results(describe(exc))

    def _follow(self) -> None:
        order = self._order
        begun = {
            "run": self._id,
            "order": {"name": order.name, "yaml": order.text, "backend": order.backend},
            "line": "asking the twin",
            "cases": [*self._first],
            "note": self._note,
        }
        self.board.set({PHASE: "starting", **begun})
        self._twins = {slug: predicted(run.case, self._limit) for slug, run in self._first.items()}
        self._draw()
        child = self._child = Child(order.name, order.text, order.backend, order.out)
        with closing(child):
            while not (child.has_ended_within(LOOK_EVERY_S) or self._closing.is_set()):
                if self._stopping.is_set():
                    child.ask_to_stop()
                phase = "stopping" if self._stopping.is_set() else "running"
                self.board.set({PHASE: phase, "line": (child.printed.lines or ["starting"])[-1]})
                self.board.set({"load": self._is_under_load(child)})
                if child.folder is not None:
                    self._try_to_look(child)
        self.board.set({"forestalled": "\n".join(child.printed.forestalled)})
        self._conclude(child)

    def _is_under_load(self, child: Child) -> bool:
        """Whether a fault can be asked for: the load of the last run that began has begun."""
        if self._stopping.is_set() or not child.printed.is_under_load or child.folder is None:
            return False
        begun = self._begun(child.folder / "raw")
        return bool(begun) and (child.folder / "raw" / begun[-1].slug / FAULTS_FILE).is_file()

    def _begun(self, raw: Path) -> list[Run]:
        return [run for run in self._runs if (raw / run.slug).is_dir()]

    def _try_to_look(self, child: Child) -> None:
        """Draw; what cannot be read or drawn now disturbs no measurement."""
        assert child.folder is not None  # noqa: S101 its caller has looked
        try:
            self._logs = self._logs or self._container_logs(child)
            self._look(child.folder / "raw")
        except (LabError, OSError, ValueError, KeyError) as exc:
            self.board.set({"line": f"not drawn: {describe(exc)}"})

    def _look(self, raw: Path) -> None:
        """Draw the run that has begun last, and those that have ended since the last look."""
        begun = self._begun(raw)
        for run in begun:
            scene, folder = self._scenes.get(run.case.slug), raw / run.slug
            is_current = run is begun[-1]
            if scene is not None and (is_current or scene.note in (WAITS, RUNS)):
                has_ended = (folder / CASE).is_file() and not is_current
                self._scenes[run.case.slug] = self._observed(run, scene, folder, has_ended)
        self._draw()

    def _observed(self, run: Run, scene: Scene, folder: Path, has_ended: bool) -> Scene:
        log = self._log_of(run, folder)
        if log is None:
            return Scene(scene.name, scene.measured, RUNS)
        if is_too_long(log):
            return Scene(scene.name, scene.measured, TOO_LONG)
        note = "it has ended" if has_ended else RUNS
        seen = observe(log, folder, run.case, self._limit)
        without_lane = "" if has_ended else seen.without_lane
        return Scene(scene.name, seen.shown, note, faults=seen.faults, without_lane=without_lane)

    def _log_of(self, run: Run, folder: Path) -> Path | None:
        """Return where the event log of ``run`` is, None if there is none yet."""
        if (folder / SERVER_LOG).is_file():
            return folder / SERVER_LOG
        return None if self._logs is None else self._logs.of(run.slug, run.case.model)

    def _container_logs(self, child: Child) -> ContainerLogs | None:
        if child.folder is None or not child.printed.is_in_containers:
            return None
        logs = ContainerLogs(child.folder.name.rpartition("-")[2])
        self._at_end.callback(logs.close)
        return logs

    def _draw(self) -> None:
        """Draw what has changed; all of it if the time axis has become longer."""
        twins = [each for each in self._twins.values() if isinstance(each, Exhibit)]
        ends_ns = [each.excerpt.end_ns for each in twins]
        ends_ns += [scene.end_ns for scene in self._scenes.values()]
        self._span_ns = grown(self._span_ns, ends_ns)
        changed = {
            slug: scene
            for slug, scene in self._scenes.items()
            if self._drawn.get(slug) != (scene, self._span_ns)
        }
        for slug, scene in changed.items():
            self.board.set({f"scene:{slug}": draw(scene, self._twins[slug], self._span_ns)})
            self._drawn[slug] = scene, self._span_ns

    def _conclude(self, child: Child) -> None:
        """Show the result as it is stored; if there is none, what the run has printed last."""
        folder = child.folder
        if folder is None or not (folder / "summary.json").is_file():
            why = STOPPED if self._stopping.is_set() else child.error or "it has printed nothing"
            self._end_without_results(f"no results: {why}".replace(*WITHOUT_CONTAINERS))
            return
        summary = read_summary(folder)
        self._scenes |= dict(self._ended_scenes(summary, folder / "raw"))
        self._span_ns = 0
        self._draw()
        (shown,) = shown_campaigns([Findings(summary, {}, {})])
        remarks = [line for case in summary.cases for line in text.remarks(case)]
        if summary.cases and not remarks:
            remarks = [AS_PREDICTED]
        report = f"{folder.name}/{REPORT}" if (folder / REPORT).is_file() else ""
        self._show_end(shown.tone, text.verdict(summary), remarks, report)

    def _end_without_results(self, why: str) -> None:
        self._show_end("doubt", why, [], "")

    def _show_end(self, tone: str, verdict: str, remarks: Sequence[str], report: str) -> None:
        values = {"tone": tone, "verdict": verdict, "remarks": remarks, "report": report}
        result = render("run_result.html.j2", **values)
        self.board.set({PHASE: ENDED, "load": False, "line": "", "result": result})

    def _ended_scenes(self, summary: Summary, raw: Path) -> Mapping[str, Scene]:
        """Return each case that has ended, of the same records as the charts of the report."""
        scenes = {}
        for case in summary.cases:
            run = self._first.get(case.slug)
            if run is not None and case.runs:
                shown = recorded(self._order.scenario, run, raw / run.slug, self._limit)
                scenes[case.slug] = Scene(case.name, shown, HAS_RUN, case)
        return scenes


def recorded(scenario: Scenario, run: Run, folder: Path, limit: int) -> Exhibit:
    """Return what the charts of the report show of ``run``, by its raw files in ``folder``."""
    found = measure_run(scenario, run, folder)
    clients = found.evidence.clients
    return exhibit(found.analysis.merged, clients.start_ns, clients.groups, limit)
