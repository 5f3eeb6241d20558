"""Who may ask: the browser that has the address with the token; no other page, no other user.

Every program on this machine can connect to loopback, and a page from anywhere can make a browser
do so. Therefore the token is the first part of the path of every address: without it, nothing is
read. No cookie holds it, since a browser sends cookies to every port of a host. ``Host`` must name
loopback and the port, so that a name of elsewhere that resolves to 127.0.0.1 is no way in. What
changes something is a POST, and needs the token in a header too and the page's own ``Origin``.
"""

import secrets
from collections.abc import Mapping
from types import MappingProxyType

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator.results.defect import DefectError

HOST = "127.0.0.1"
NAMES = (HOST, "localhost")
TOKEN_BYTES = 32
TOKEN_HEADER = "x-lab-token"  # noqa: S105 the header's name
MOST_BODY_BYTES = 1_000_000
READS, CHANGES = ("GET", "HEAD"), ("POST",)
REPORTS = "lab.reports"
"""Where the scope of a request has the token that opens reports only."""

REPORTS_PATH = "/past_runs/files/"
HTTP_PORT = 80

HEADERS: Mapping[str, str] = MappingProxyType({
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
})  # fmt: skip
"""Of every response, unless it has its own."""


def new_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class Guard:
    """An application that refuses requests from elsewhere, in front of ``app``.

    ``app`` sees paths without the token. A second token opens the reports alone: a report may come
    from others, and its script sees its own address. An exception in ``app`` is answered with one
    line, and its traceback is stored.
    """

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._reports_token = new_token()
        self._hosts = {f"{name}:{port}" for name in NAMES}
        if port == HTTP_PORT:
            self._hosts |= {*NAMES}  # a browser leaves it out

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal is_begun
            if message["type"] == "http.response.start":
                is_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        code, reason = self._refusal(scope)
        if code:
            answer = PlainTextResponse(f"refused: {reason}\n", code)
            await answer(scope, receive, send_guarded)
            return
        try:
            inner = {**scope, "root_path": f"/{_token_in(scope)}", REPORTS: self._reports_token}
            await self._app(inner, receive, send_guarded)
        except ClientDisconnect:
            return
        except Exception as exc:
            line = str(DefectError.of(exc))
            if not is_begun:  # else the connection is closed, as the answer is not complete
                await PlainTextResponse(f"{line}\n", 500)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        """Return the status and the reason of a refusal, or 0 and no reason."""
        headers, method = Headers(scope=scope), scope["method"]
        if len(headers.getlist("host")) != 1 or headers["host"] not in self._hosts:
            return 400, "the header Host does not name this page"
        if self._is_report(scope) and method in READS:
            return 0, ""
        if not _is_same(_token_in(scope), self._token):
            return 403, "open the address that orchestrate.py explore has printed"
        if method not in (*READS, *CHANGES):
            return 405, f"{method} is not used here"
        return (0, "") if method in READS else self._refusal_of_change(headers)

    def _is_report(self, scope: Scope) -> bool:
        token = _token_in(scope)
        is_path = scope["path"].startswith(f"/{token}{REPORTS_PATH}")
        return _is_same(token, self._reports_token) and is_path

    def _refusal_of_change(self, headers: Headers) -> tuple[int, str]:
        """Return the same for a request that has the token in its path, and changes something."""
        if not _is_same(headers.get(TOKEN_HEADER, ""), self._token):
            return 403, f"the header {TOKEN_HEADER} is missing or wrong"
        if headers.get("origin") != f"http://{headers['host']}":
            return 403, "the request comes from another page"
        if not _has_length(headers.get("content-length", "")):
            return 413, f"the body has no content-length, or more than {MOST_BODY_BYTES} bytes"
        return 0, ""


def _token_in(scope: Scope) -> str:
    return str(scope["path"]).removeprefix("/").partition("/")[0]


def _is_same(given: str, token: str) -> bool:
    """Compare in a time that does not depend on what is the same."""
    return secrets.compare_digest(given.encode(errors="replace"), token.encode())


def _has_length(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text[:20]) <= MOST_BODY_BYTES
