"""The tab that runs a scenario: one at a time, drawn while it takes place."""

import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from orchestrator.execution.cpus import Cpus
from orchestrator.explore.asked import RefusedResponse, read_map
from orchestrator.explore.run.board import ENDED, PHASE, Board, followed
from orchestrator.explore.run.live_run import LiveRun, Order
from orchestrator.explore.tab import Surroundings, Tab
from orchestrator.report.environment import printable_lines
from orchestrator.results.exit_codes import LabError
from orchestrator.scenario.faults import FILL_BACKLOG, KILL_WORKER, PAUSE
from orchestrator.scenario.load import parse_scenario
from orchestrator.scenario.models import discover_models, discover_twins
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.yaml_document import ScenarioError
from orchestrator.twin.tuning import tuned

BACKENDS = ("auto", "docker", "process")
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,59}")
BUSY = "a run takes place: wait for its end, or stop it"
NO_RUN = "no run takes place"


class Asked(NamedTuple):
    """What the page asks for."""

    name: str
    yaml: str
    backend: str


class Injection(NamedTuple):
    """A fault that has a button: its kind, how long it lasts, and what the page says of it."""

    label: str
    fault: str
    lasts: str | None
    done: str


FAULTS = (
    Injection("Kill a worker", KILL_WORKER, None, "a worker has been killed"),
    Injection("Pause 500 ms", PAUSE, "500ms", "the server is paused for 500 ms"),
    Injection("Pause 1 s", PAUSE, "1s", "the server is paused for 1 s"),
    Injection(
        "Fill the backlog",
        FILL_BACKLOG,
        "1s",
        "in 2 s, connections without a message fill the backlog, for 1 s",
    ),
)


class Runs:
    """The run that takes place, or the last one; None before the first."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._run: LiveRun | None = None

    @property
    def board(self) -> Board:
        """What the page shows."""
        if self._run is not None:
            return self._run.board
        board = Board()
        board.set({PHASE: ENDED})
        return board

    def start(self, asked: Asked) -> None:
        """Start a run.

        Raises:
            HTTPException: one takes place.
            LabError: the scenario is not valid.
        """
        scenario = scenario_of(asked)
        with self._lock:
            if self._run is not None and not self._run.is_over:
                raise HTTPException(409, BUSY)
            self._run = LiveRun(Order(*asked[:2], scenario, asked.backend, self._out))

    def ask_to_stop(self) -> None:
        """Interrupt the run that takes place, if one does."""
        if self._run is not None:
            self._run.ask_to_stop()

    def ask_for_fault(self, injection: Injection) -> str:
        """Ask the run that takes place for a fault; return why it is refused or failed, or ""."""
        run = self._run
        if run is None or run.is_over:
            return NO_RUN
        return run.ask_for_fault(injection.fault, injection.lasts)

    def close(self) -> None:
        """Interrupt the run that takes place, and return once it has ended."""
        if self._run is not None:
            self._run.close()


def scenario_of(asked: Asked) -> Scenario:
    """Return the scenario that is asked for, with the think times that the twin finds.

    Raises:
        LabError: it is not valid; each problem with its line and column.
    """
    scenario = parse_scenario(f"{asked.name}.yaml", asked.yaml, discover_models())
    return tuned(scenario, discover_twins(), Cpus.of_this_process().usable)


def lines_of(error: LabError) -> list[int]:
    """Return the lines of the scenario that ``error`` is about, in their order."""
    problems = error.problems if isinstance(error, ScenarioError) else ()
    return sorted({each.line for each in problems})


async def _asked_by(request: Request) -> Asked:
    """Return what the body of ``request`` asks for.

    Raises:
        HTTPException: it is not what the page sends.
    """
    asked = Asked(**await read_map(request, *Asked._fields))
    if not all(isinstance(each, str) for each in asked) or asked.backend not in BACKENDS:
        raise HTTPException(400, f"the backend must be one of {', '.join(BACKENDS)}")
    if not NAME.fullmatch(asked.name):
        raise HTTPException(400, "the name must be 1 to 60 letters, digits, points, - or _")
    return asked


async def _injection_by(request: Request) -> Injection:
    """Return the fault that the body of ``request`` asks for.

    Raises:
        HTTPException: it has no button.
    """
    label = (await read_map(request, "label"))["label"]
    for each in FAULTS:
        if each.label == label:
            return each
    raise HTTPException(400, f"the label must be one of {', '.join(each.label for each in FAULTS)}")


def _routes(surroundings: Surroundings) -> Sequence[BaseRoute]:
    runs = Runs(surroundings.results)
    surroundings.at_end.callback(runs.close)

    async def start(request: Request) -> Response:
        asked = await _asked_by(request)
        try:
            await run_in_threadpool(runs.start, asked)
        except LabError as exc:
            return JSONResponse({"refused": str(exc), "lines": lines_of(exc)})
        return JSONResponse({"refused": "", "lines": []})

    def stop(_: Request) -> Response:
        runs.ask_to_stop()
        return JSONResponse({})

    async def inject(request: Request) -> Response:
        injection = await _injection_by(request)
        if refusal := await run_in_threadpool(runs.ask_for_fault, injection):
            return RefusedResponse(f"{injection.label}: {refusal}")
        return JSONResponse({"line": injection.done})

    def follow(_: Request) -> Response:
        return StreamingResponse(followed(runs.board), media_type="application/x-ndjson")

    return [
        Route("/start", start, methods=["POST"]),
        Route("/stop", stop, methods=["POST"]),
        Route("/fault", inject, methods=["POST"]),
        Route("/follow", follow),
    ]


def _values(surroundings: Surroundings) -> Mapping[str, object]:
    text = printable_lines(surroundings.yaml)
    return {"name": surroundings.name, "yaml": text, "backends": BACKENDS, "faults": FAULTS}


TAB = Tab("run", "Run", _routes, _values)
