import html
import re

from orchestrator.explore.play.controls import CHOICES, SLIDERS
from orchestrator.explore.play.page_values import page_values
from orchestrator.explore.play.redraw import redraw
from orchestrator.explore.rendering import render
from tests.unit.orchestrator.explore.play.play_fixtures import CPUS, controls


def test_a_slider_stops_at_the_value_it_has() -> None:
    chosen = controls("epoll", users=33)
    values = page_values(chosen, redraw(chosen, None, CPUS), ["epoll"], CPUS)
    (users,) = (each for each in values["sliders"] if each["name"] == "users")
    assert users["stops"][users["place"]] == 33
    assert values["fixed"] == []


def test_what_has_no_values_cannot_be_moved_and_is_named() -> None:
    chosen = controls("epoll", workers=3)
    answer = redraw(chosen, None, CPUS)
    own = {"users": (1, 6), "work": ("sleep", "cpu")}
    values = page_values(chosen, answer, (), CPUS, own)
    assert [each["name"] for each in values["sliders"]] == ["users"]
    assert [each["name"] for each in values["choices"]] == ["work"]
    assert {"workers 3", "one long message none"} <= {*values["fixed"]}
    assert not any("arrivals" in each for each in values["fixed"])


def test_each_control_is_described_by_a_text_of_the_page() -> None:
    chosen = controls("epoll")
    values = page_values(chosen, redraw(chosen, None, CPUS), ["epoll"], CPUS)
    shown = render("play.html.j2", own=values)
    named = re.findall(r'<(?:input|select)[^>]* name="(\w+)" aria-describedby="([\w-]+)"', shown)
    assert len(named) == 2 + len(CHOICES) + len(SLIDERS)
    texts = dict(re.findall(r'<dd id="([\w-]+)">([^<]+)</dd>', shown))
    assert {each for _, each in named} == texts.keys()
    assert all(len(text.split()) < 40 for text in texts.values())
    assert "accept queue" in texts["about-backlog"]


def test_the_scenario_has_its_lines() -> None:
    chosen = controls("epoll")
    answer = redraw(chosen, None, CPUS)
    shown = render("play.html.j2", own=page_values(chosen, answer, ["epoll"], CPUS))
    (text,) = re.findall(r"<textarea[^>]*>(.*?)</textarea>", shown, re.DOTALL)
    assert html.unescape(text) == answer["yaml"]
