"""A move is answered with its picture; a scenario becomes controls, or the reason why not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.to_scenario import yaml_of
from tests.unit.orchestrator.explore.explore_fixtures import Answer, Site, explore_site

CHOSEN = Controls(("prefork",))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with explore_site(tmp_path_factory.mktemp("results")) as found:
        yield found


def post(site: Site, path: str, value: Any) -> Answer:  # noqa: ANN401 any JSON
    body = json.dumps(value).encode()
    return site.ask(f"/{site.token}/play/{path}", "POST", site.own, body)


def test_the_page_begins_with_a_picture(site: Site) -> None:
    page = site.get("").text
    assert "one of 6 users, user 5, waits for a worker" in page
    assert 'class="lanes"' in page
    assert '<input type="range" name="users"' in page


def test_a_move_is_answered(site: Site) -> None:
    asked = {"controls": CHOSEN.as_data(), "before": CHOSEN.with_value("users", 5).as_data()}
    answer = json.loads(post(site, "redraw", asked).text)
    assert answer["sentence"].startswith("6 users instead of 5: in prefork one of 6 users, user 5,")
    assert answer["yaml"] == yaml_of(CHOSEN)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "this is not a map of controls and before"),
        ({"controls": {}}, "this is not a map of controls and before"),
        ({"controls": {"models": ["epoll"], "users": 0}, "before": None}, "users: '0' is out"),
        ({"controls": CHOSEN.as_data(), "before": 7}, "'7' is not a map of controls"),
    ],
)
def test_what_is_no_move_is_refused(site: Site, value: object, reason: str) -> None:
    answer = post(site, "redraw", value)
    assert (answer.code, reason in answer.text) == (400, True), answer.text


def test_a_scenario_becomes_controls(site: Site) -> None:
    found = json.loads(post(site, "load", {"yaml": yaml_of(CHOSEN)}).text)
    assert found == {"controls": CHOSEN.as_data(), "remarks": []}


def test_a_ready_scenario_becomes_controls_with_what_they_leave_out(site: Site) -> None:
    text = Path("scenarios/sixth_client.yaml").read_text(encoding="utf-8")
    found = json.loads(post(site, "load", {"yaml": text}).text)
    assert found["controls"]["models"] == ["prefork", "threaded"]
    assert any("epoll is left out" in each for each in found["remarks"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the text:1:1: the file is empty"),
        ("intent: x\nmodels: [nobody]\n", "the text:2:10: unknown model 'nobody'"),
        (
            yaml_of(CHOSEN).replace("sleep=100ms", "sleep=1ms+cpu=1ms"),
            "Play cannot show this scenario:\nclients: demand sleep=1ms+cpu=1ms of users",
        ),
    ],
)
def test_a_scenario_that_does_not_fit_is_refused_with_the_reason(
    site: Site, text: str, reason: str
) -> None:
    answer = post(site, "load", {"yaml": text})
    assert answer.is_refused
    assert reason in answer.text


def test_nothing_is_answered_to_a_get(site: Site) -> None:
    assert site.get("play/redraw").code == 405
