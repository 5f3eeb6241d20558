"""Reads what a page sends in the body of a request."""

from json import JSONDecodeError
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

MOST_BYTES = 256 * 1024
"""Of a request: the largest scenario."""


async def read_map(request: Request, *names: str) -> dict[str, Any]:
    """Return the map in the body of ``request``, which has exactly these ``names``.

    Raises:
        HTTPException: it is too large, or no such map.
    """
    if int(request.headers.get("content-length", MOST_BYTES + 1)) > MOST_BYTES:
        raise HTTPException(413, f"too large; allowed: at most {MOST_BYTES // 1024} KiB")
    try:
        found = await request.json()
    except (JSONDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise HTTPException(400, "this is not JSON") from exc
    if not isinstance(found, dict) or set(found) != set(names):
        raise HTTPException(400, f"this is not a map of {' and '.join(names)}")
    return found
