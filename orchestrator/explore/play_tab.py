"""The tab Play: controls whose every move is answered by the twin, and their scenario as YAML."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from orchestrator.explore.asked import RefusedResponse, read_map
from orchestrator.explore.play.controls import Controls, ControlsError
from orchestrator.explore.play.from_scenario import controls_of
from orchestrator.explore.play.page_values import page_values
from orchestrator.explore.play.redraw import redraw
from orchestrator.explore.tab import Surroundings, Tab
from orchestrator.results.exit_codes import LabError
from orchestrator.scenario.load import parse_scenario
from orchestrator.scenario.models import discover_models, discover_twins

FILE = "the text"
"""What an error calls a scenario that has no file."""


def _routes(surroundings: Surroundings) -> Sequence[BaseRoute]:
    async def answer_move(request: Request) -> Response:
        asked = await read_map(request, "controls", "before")
        try:
            controls = _parse(asked["controls"])
            before = None if asked["before"] is None else _parse(asked["before"])
        except ControlsError as exc:
            raise HTTPException(400, "\n".join(exc.problems)) from exc
        answer = await run_in_threadpool(redraw, controls, before, surroundings.cpus)
        return JSONResponse(answer)

    async def read_scenario(request: Request) -> Response:
        asked = await read_map(request, "yaml")
        try:
            return JSONResponse(await run_in_threadpool(_controls_in, str(asked["yaml"])))
        except ControlsError as exc:
            said = "\n".join(["Play cannot show this scenario:", *exc.problems])
            return RefusedResponse(said)
        except LabError as exc:
            return RefusedResponse(str(exc))

    return [
        Route("/redraw", answer_move, methods=["POST"]),
        Route("/load", read_scenario, methods=["POST"]),
    ]


def _parse(data: object) -> Controls:
    return Controls.parse(data, discover_twins())


def _controls_in(text: str) -> dict[str, Any]:
    """Return the controls of the scenario ``text``, and what of it they leave out.

    Raises:
        LabError: it is no scenario.
        ControlsError: it has what no control can be set to.
    """
    found = controls_of(parse_scenario(FILE, text, discover_models()))
    return {"controls": found.controls.as_data(), "remarks": list(found.remarks)}


def _values(surroundings: Surroundings) -> Mapping[str, object]:
    controls, cpus = surroundings.controls, surroundings.cpus
    answer = redraw(controls, None, cpus)
    return page_values(controls, answer, list(discover_twins()), cpus)


TAB = Tab("play", "Play", _routes, _values)
