"""The tab with the past runs: their list, and the report of each as it is stored."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from orchestrator.explore.access import REPORTS, REPORTS_PATH
from orchestrator.explore.beside import side_by_side
from orchestrator.explore.past_runs import REPORT, past_runs
from orchestrator.explore.rendering import render
from orchestrator.explore.tab import Surroundings, Tab
from orchestrator.explore.trend import (
    HEIGHT,
    WIDTH,
    first_known,
    offered,
    runs_of,
    scenarios_in,
    sparklines,
    summaries_of,
    why_unknown,
)
from orchestrator.results.exit_codes import LabError

SIDES = 2
ABSENT = "there is nothing to show at this address"
REPORT_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts"
)
"""Of a report, which may be received from others: it reaches nothing of this page.

It could lead its own window to another address, with what its script knows; so it is given at an
address without the token of the page.

Its script and style are part of it; which ones have an effect, its own policy says by digests.
"""


def _routes(surroundings: Surroundings) -> Sequence[BaseRoute]:
    results = surroundings.results

    def list_runs(_: Request) -> Response:
        runs = past_runs(results)
        values = {"scenarios": scenarios_in(runs), "measures": offered()}
        return HTMLResponse(render("past_runs_list.html.j2", runs=runs, out=results, **values))

    def show_report(request: Request) -> Response:
        token, path = request.scope[REPORTS], request.path_params["path"]
        if not request.scope["root_path"].startswith(f"/{token}/"):
            return RedirectResponse(f"/{token}{REPORTS_PATH}{quote(path)}", 303)
        page = _read_report(results, request.path_params["path"])
        return HTMLResponse(page, headers={"content-security-policy": REPORT_POLICY})

    def show_beside(request: Request) -> Response:
        folders = [_inside(results, path) for path in request.query_params.getlist("run")]
        if len(folders) != SIDES:
            raise HTTPException(400, f"name {SIDES} runs")
        try:
            page = side_by_side(folders)
        except LabError as exc:
            return PlainTextResponse(f"{exc}\n", 400)
        return HTMLResponse(page, headers={"content-security-policy": REPORT_POLICY})

    def show_trend(request: Request) -> Response:
        asked = request.query_params
        return HTMLResponse(_trend(results, asked.get("scenario", ""), asked.get("measure", "")))

    return [
        Route("/list", list_runs),
        Route("/trend", show_trend),
        Route("/files/{path:path}", show_report),
        Route("/beside", show_beside),
    ]


def _trend(results: Path, scenario: str, name: str) -> str:
    """Return the markup of one measure over the runs of ``scenario``.

    ``name`` is that of the measure; if it is empty, it is the first one that is known.

    Raises:
        HTTPException: there are no such runs, or no such measure is offered.
    """
    measure = next((each for each in offered() if each.name == name), None)
    runs = runs_of(past_runs(results), scenario)
    if (name and measure is None) or not runs:
        raise HTTPException(404, ABSENT)
    summaries = summaries_of(runs, results)
    measure = measure or first_known(summaries)
    return render(
        "past_runs_trend.html.j2",
        scenario=scenario,
        measure=measure,
        runs=runs,
        lines=sparklines(summaries, measure),
        why_unknown=why_unknown(measure),
        WIDTH=WIDTH,
        HEIGHT=HEIGHT,
    )


def _read_report(results: Path, path: str) -> bytes:
    """Return the report at ``path`` in ``results``.

    Raises:
        HTTPException: there is none; nothing else can be read, and nothing outside the folder.
    """
    found = _inside(results, path)
    try:
        if found.name == REPORT and found.is_file():
            return found.read_bytes()
    except OSError as exc:
        raise HTTPException(404, ABSENT) from exc
    raise HTTPException(404, ABSENT)


def _inside(results: Path, path: str) -> Path:
    """Return what is at ``path`` in ``results``.

    Raises:
        HTTPException: there is nothing, or it is outside.
    """
    try:
        found = (results / path).resolve(strict=True)
    except (OSError, ValueError) as exc:  # ValueError: the path has a null character
        raise HTTPException(404, ABSENT) from exc
    if not found.is_relative_to(results.resolve()):
        raise HTTPException(404, ABSENT)
    return found


TAB = Tab("past_runs", "Past runs", _routes)
