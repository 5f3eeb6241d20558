"""A page that is served for a test, and requests to it as any program may send them."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from starlette.types import ASGIApp

from orchestrator.explore.access import HOST, TOKEN_HEADER, Guard, new_token
from orchestrator.explore.app import make_app
from orchestrator.explore.tab import Surroundings
from orchestrator.explore.watch.server import WatchedServer
from orchestrator.explore.web import listen, serving

DEADLINE_S = 10.0


@dataclass(frozen=True)
class Answer:
    """What a request was answered with."""

    code: int
    text: str
    headers: Mapping[str, str]

    @property
    def is_refused(self) -> bool:
        """Whether what a person typed was refused, or what only a program sends."""
        return self.code == 400 or (self.code == 200 and "x-lab-refused" in self.headers)


@dataclass(frozen=True)
class Site:
    """Where a page is served, and the token that it wants."""

    port: int
    token: str

    @property
    def host(self) -> str:
        """The header ``Host`` of a browser that has opened the page."""
        return f"{HOST}:{self.port}"

    @property
    def own(self) -> dict[str, str]:
        """The headers of a change that the page itself asks for."""
        return {TOKEN_HEADER: self.token, "origin": f"http://{self.host}"}

    def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        hosts: tuple[str, ...] | None = None,
    ) -> Answer:
        """Send a request for exactly ``path``, with these headers and these ``Host``."""
        with closing(HTTPConnection(HOST, self.port, timeout=DEADLINE_S)) as connection:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for host in (self.host,) if hosts is None else hosts:
                connection.putheader("host", host)
            for name, value in {"content-length": str(len(body)), **(headers or {})}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, text, {k.lower(): v for k, v in response.getheaders()})

    def get(self, path: str) -> Answer:
        """Ask for ``path`` of the page, with the token; go on to where a report is."""
        answer = self.ask(f"/{self.token}/{path}")
        return self.ask(answer.headers["location"]) if answer.code == 303 else answer


@contextmanager
def guarded_site(app: ASGIApp) -> Iterator[Site]:
    """Serve ``app`` behind a guard."""
    with closing(listen(0)) as listener:
        site = Site(listener.getsockname()[1], new_token())
        with serving(Guard(app, site.token, site.port), listener):
            yield site


@contextmanager
def explore_site(results: Path, watched: WatchedServer | None = None) -> Iterator[Site]:
    """Serve the page for a folder of results, and for a server to be watched if there is one."""
    surroundings = Surroundings(results, watched=watched)
    with surroundings.at_end, closing(listen(0)) as listener:
        site = Site(listener.getsockname()[1], new_token())
        with serving(make_app(surroundings, site.token, site.port), listener):
            yield site
