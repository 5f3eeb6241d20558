"""The page and what it loads: all tabs, the style sheet of the report, and the scripts."""

from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles

from orchestrator.explore import learn_tab, past_runs_tab, play_tab
from orchestrator.explore.access import Guard
from orchestrator.explore.rendering import STATIC, render
from orchestrator.explore.run import tab as run_tab
from orchestrator.explore.tab import Surroundings, Tab
from orchestrator.explore.watch import tab as watch_tab
from orchestrator.report.rendering import STYLE

TABS: tuple[Tab, ...] = (play_tab.TAB, run_tab.TAB, learn_tab.TAB, past_runs_tab.TAB)
"""In the order of the page; the first one is shown first."""


def tabs_of(surroundings: Surroundings) -> tuple[Tab, ...]:
    """Return the tabs of the page: if a server is watched, that one first."""
    return TABS if surroundings.watched is None else (watch_tab.TAB, *TABS)


def make_app(surroundings: Surroundings, token: str, port: int) -> Guard:
    """Return what answers the requests of the browser that knows ``token``, at ``port``."""
    tabs = tabs_of(surroundings)

    def show_page(_: Request) -> Response:
        values = {tab.name: tab.values(surroundings) for tab in tabs}
        return HTMLResponse(render("explore.html.j2", tabs=tabs, values=values))

    def show_style(_: Request) -> Response:
        return Response(STYLE, media_type="text/css")

    routes = [
        Route("/", show_page),
        Route("/static/report.css", show_style),
        Mount("/static", StaticFiles(directory=STATIC)),
        *(Mount(f"/{tab.name}", routes=tab.routes(surroundings)) for tab in tabs),
    ]
    return Guard(ExceptionMiddleware(Router(routes)), token, port)
