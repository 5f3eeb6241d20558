import base64
import json
import re
import zlib
from typing import Any

import pytest

from orchestrator.explore.play import export, grid
from orchestrator.explore.play.export import MOST_BYTES, MOST_DRAWN, export_page
from orchestrator.explore.play.redraw import redraw
from tests.unit.orchestrator.explore.play.play_fixtures import CPUS, controls, said

CHOSEN = controls("prefork", users=3, workers=2)


@pytest.fixture(autouse=True)
def small_grid(monkeypatch: pytest.MonkeyPatch, *, is_long: bool) -> None:
    monkeypatch.setattr(grid, "MOST_POINTS", grid.MOST_POINTS if is_long else 40)


def exported() -> str:
    """Return a page of a small grid."""
    return export_page("Who <waits>?", CHOSEN, CPUS, lambda _done, _all: None)


def stored(page: str) -> dict[str, Any]:
    """Return what the script of ``page`` reads."""
    (packed,) = re.findall(r'id="predictions">([^<]*)<', page)
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def test_each_point_has_the_picture_that_the_server_draws() -> None:
    found = stored(exported())
    for point, chosen in zip(found["points"], grid.grid_around(CHOSEN).points, strict=True):
        text = {
            name: "".join(found["pieces"][each] for each in point[name])
            for name in ("sentence", "picture", "yaml")
        }
        answer = redraw(chosen, None, CPUS, MOST_DRAWN)
        assert text == {name: answer[name] for name in text}


def test_a_move_along_an_axis_has_the_sentence_of_that_move() -> None:
    found = stored(exported())
    points = grid.grid_around(CHOSEN).points
    number = points.index(CHOSEN)
    (name, values) = found["axes"][0]
    for place, value in enumerate(values):
        pieces = found["points"][number]["moves"][0][place]
        text = "".join(found["pieces"][each] for each in pieces)
        assert text == said(CHOSEN, CHOSEN.with_value(name, value))


def test_the_page_loads_nothing_and_allows_its_own_script_only() -> None:
    page = exported()
    (csp,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert "default-src &#39;none&#39;" in csp
    assert not re.findall(r'(?:src|href)="', page)
    assert "<h1>Who &lt;waits&gt;?</h1>" in page


def test_a_page_that_is_too_large_gets_a_smaller_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = exported()
    assert len(whole.encode()) < MOST_BYTES
    monkeypatch.setattr(export, "MOST_BYTES", len(whole.encode()) - 1)
    smaller = exported()
    assert len(smaller.encode()) < len(whole.encode())
    assert len(stored(smaller)["axes"]) < len(stored(whole)["axes"])


@pytest.mark.usefixtures("only_long")
def test_a_page_of_two_models_and_many_users_fits() -> None:
    chosen = controls("single", "half_sync", users=60, messages=20, workers=8, think_ms=10)
    page = export_page("Who waits?", chosen, CPUS, lambda _done, _all: None)
    assert len(page.encode()) <= MOST_BYTES
    assert len(stored(page)["axes"]) > 1


def test_progress_hears_of_each_point() -> None:
    heard: list[tuple[int, int]] = []
    export_page("Who?", CHOSEN, CPUS, lambda done, all_of_them: heard.append((done, all_of_them)))
    assert heard[-1] == (len(heard), len(heard))
