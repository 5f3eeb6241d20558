"""A page from elsewhere, or another user of this machine, can neither read nor change anything."""

from collections.abc import Iterator
from http.client import IncompleteRead
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, Router

from orchestrator.explore.access import HEADERS, TOKEN_HEADER, new_token
from tests.unit.orchestrator.explore.explore_fixtures import Site, guarded_site

PRIVATE = "what only one person may read"


class Books:
    """An application with something to read and something to change."""

    def __init__(self) -> None:
        self.changes = 0
        routes = [
            Route("/", self.read),
            Route("/change", self.change, methods=["POST"]),
            Route("/defect", self.fail),
            Route("/half", self.half),
            Route("/own", self.own),
        ]
        self.app = Router(routes)

    def read(self, _: Request) -> Response:
        return PlainTextResponse(PRIVATE)

    def change(self, _: Request) -> Response:
        self.changes += 1
        return PlainTextResponse("changed")

    def fail(self, _: Request) -> Response:
        raise RuntimeError("nobody expects this")

    def half(self, _: Request) -> Response:
        def parts() -> Iterator[str]:
            yield "half"
            raise RuntimeError("nobody expects this")

        return StreamingResponse(parts())

    def own(self, _: Request) -> Response:
        return PlainTextResponse("", headers={"content-security-policy": "sandbox"})


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def site(books: Books) -> Iterator[Site]:
    with guarded_site(books.app) as found:
        yield found


def test_the_token_opens_the_page(site: Site) -> None:
    assert site.get("").text == PRIVATE
    assert site.ask(f"/{site.token}/", hosts=(f"localhost:{site.port}",)).text == PRIVATE


@pytest.mark.parametrize("path", ["/", "", "/x/", "/{token}x/", "/{half}/", "//{token}/", "/%00/"])
def test_without_the_token_nothing_is_read(site: Site, path: str) -> None:
    asked = path.format(token=site.token, half=site.token[:-1]) or "*"
    answer = site.ask(asked)
    assert answer.code == 403
    assert PRIVATE not in answer.text


def test_the_token_helps_in_the_path_only(site: Site) -> None:
    for path in (f"/?token={site.token}", f"/#{site.token}"):
        assert site.ask(path, headers={TOKEN_HEADER: site.token}).code == 403


@pytest.mark.parametrize(
    "hosts",
    [
        (), ("",), ("evil.example",), ("evil.example:{port}",), ("127.0.0.1",), ("127.0.0.1:1",),
        ("{own}", "evil.example"), ("{own}.evil.example",), ("[::1]:{port}",),
    ],
)  # fmt: skip
def test_a_name_of_elsewhere_that_leads_here_reads_nothing(
    site: Site, hosts: tuple[str, ...]
) -> None:
    named = tuple(each.format(own=site.host, port=site.port) for each in hosts)
    answer = site.ask(f"/{site.token}/", hosts=named)
    assert answer.code == 400
    assert PRIVATE not in answer.text


def test_the_page_itself_changes_something(site: Site, books: Books) -> None:
    assert site.ask(f"/{site.token}/change", "POST", site.own).text == "changed"
    assert books.changes == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_nothing_but_a_post_changes_something(site: Site, books: Books, method: str) -> None:
    assert site.ask(f"/{site.token}/change", method, site.own).code == 405
    assert books.changes == 0


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""},
        {"origin": "http://127.0.0.1:1"}, {"origin": "https://{own}"}, {"origin": None},
        {TOKEN_HEADER: ""}, {TOKEN_HEADER: "x"}, {TOKEN_HEADER: None},
    ],
)  # fmt: skip
def test_another_page_changes_nothing(
    site: Site, books: Books, changed: dict[str, str | None]
) -> None:
    headers = {
        name: str(value).format(own=site.host)
        for name, value in {**site.own, **changed}.items()
        if value is not None
    }
    answer = site.ask(f"/{site.token}/change", "POST", headers)
    assert answer.code == 403
    assert books.changes == 0


@pytest.mark.parametrize("length", ["1000001", "9" * 5_000, "x", "-1"])
def test_a_change_has_a_length_that_is_bounded(site: Site, books: Books, length: str) -> None:
    answer = site.ask(f"/{site.token}/change", "POST", {**site.own, "content-length": length})
    assert answer.code in {400, 413}
    assert books.changes == 0


def test_every_answer_has_the_headers(site: Site) -> None:
    for path in ("/", f"/{site.token}/", f"/{site.token}/defect", f"/{site.token}/none"):
        answer = site.ask(path)
        assert HEADERS.items() <= answer.headers.items(), path
        assert "server" not in answer.headers
    assert "unsafe" not in HEADERS["content-security-policy"]


def test_an_answer_may_have_a_policy_of_its_own(site: Site) -> None:
    assert site.get("own").headers["content-security-policy"] == "sandbox"


def test_a_defect_is_one_line_and_the_page_goes_on(site: Site) -> None:
    answer = site.get("defect")
    assert answer.code == 500
    assert answer.text.startswith("unexpected RuntimeError: nobody expects this; the traceback is")
    assert len(answer.text.splitlines()) == 1
    Path(answer.text.split()[-1]).unlink()
    assert site.get("").text == PRIVATE


def test_an_answer_that_cannot_be_completed_is_cut_off(site: Site) -> None:
    with pytest.raises(IncompleteRead):
        site.get("half")
    assert site.get("").text == PRIVATE


def test_each_token_is_another_one() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 43
