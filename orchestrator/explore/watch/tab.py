"""The tab that shows the lanes of a server that one drives by hand; only if one is watched."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from orchestrator.explore.access import HOST
from orchestrator.explore.tab import Surroundings, Tab
from orchestrator.explore.watch.drawing import LEGEND, draw
from orchestrator.explore.watch.server import WatchedServer
from orchestrator.results.strict_json import to_json

LOOK_EVERY_S = 0.5
"""Each look draws, which takes the CPU from the server; so it is no more often."""


def commands(port: int) -> list[str]:
    """Return how to be a client of a server on ``port``, for a terminal in the repository."""
    return [
        f"printf 'hello sleep=3s\\003goodbye\\003' | nc {HOST} {port}",
        f"python3 client/client.py 7 --demand sleep=1s --target {HOST}:{port}",
    ]


async def followed(server: WatchedServer) -> AsyncIterator[str]:
    """Yield what the page shows as JSON, a line for each change, without an end."""
    shown = ""
    while True:
        now = await run_in_threadpool(_shown, server)
        if now != shown:
            shown = now
            yield f"{now}\n"
        await asyncio.sleep(LOOK_EVERY_S)


def _shown(server: WatchedServer) -> str:
    return to_json({"line": server.line, "scene": draw(server.view(), server.model)})


def _routes(surroundings: Surroundings) -> Sequence[BaseRoute]:
    server = surroundings.watched
    assert server is not None  # noqa: S101 else there is no such tab

    def follow(_: Request) -> Response:
        return StreamingResponse(followed(server), media_type="application/x-ndjson")

    return [Route("/follow", follow)]


def _values(surroundings: Surroundings) -> Mapping[str, object]:
    server = surroundings.watched
    assert server is not None  # noqa: S101 else there is no such tab
    return {
        "model": server.model,
        "is_in_container": server.is_in_container,
        "port": server.port,
        "commands": commands(server.port),
        "legend": LEGEND,
    }


TAB = Tab("watch", "Watch", _routes, _values)
