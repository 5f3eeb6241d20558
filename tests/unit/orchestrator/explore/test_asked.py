"""The body of a request is a map with exactly the names that are read, or it is refused."""

from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator.explore.asked import MOST_BYTES, read_map
from tests.unit.orchestrator.explore.explore_fixtures import Site, guarded_site


async def echo(request: Request) -> Response:
    return JSONResponse(await read_map(request, "one", "two"))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with guarded_site(Starlette(routes=[Route("/echo", echo, methods=["POST"])])) as found:
        yield found


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b'{"one": 1, "two": [2]}', 200, '{"one":1,"two":[2]}'),
        (b'{"one": 1}', 400, "this is not a map of one and two"),
        (b'{"one": 1, "two": 2, "three": 3}', 400, "this is not a map of one and two"),
        (b"[]", 400, "this is not a map of one and two"),
        (b"", 400, "this is not JSON"),
        (b"\xff\xfe", 400, "this is not JSON"),
        (b'{"one": ' + b"1" * 5_000 + b"}", 400, "this is not JSON"),
        (b"[" * 100_000, 400, "this is not JSON"),
        (b" " * (MOST_BYTES + 1), 413, "too large; allowed: at most 256 KiB"),
    ],
)
def test_a_body(site: Site, body: bytes, code: int, text: str) -> None:
    answer = site.ask(f"/{site.token}/echo", "POST", site.own, body)
    assert (answer.code, answer.text) == (code, text)
