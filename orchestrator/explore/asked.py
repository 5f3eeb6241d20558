"""Reads what a page sends in the body of a request, and answers what it cannot be given."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse

MOST_BYTES = 256 * 1024
"""Of a request: the largest scenario."""


class RefusedResponse(PlainTextResponse):
    """Why what the user typed is refused: no error of the page, which shows it beside the input.

    So its status is 200, as a browser reports all others in its console.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason, headers={"x-lab-refused": "1"})


async def read_map(request: Request, *names: str) -> dict[str, Any]:
    """Return the map in the body of ``request``, which has exactly these ``names``.

    Raises:
        HTTPException: it is too large, or no such map.
    """
    if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
        raise HTTPException(413, f"too large; allowed: at most {MOST_BYTES // 1024} KiB")
    try:
        found = await request.json()
    except (ValueError, RecursionError) as exc:  # ValueError: also of a number of 5,000 digits
        raise HTTPException(400, "this is not JSON") from exc
    if not isinstance(found, dict) or set(found) != set(names):
        raise HTTPException(400, f"this is not a map of {' and '.join(names)}")
    return found
