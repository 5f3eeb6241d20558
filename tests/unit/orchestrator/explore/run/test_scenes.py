"""Measured and predicted lanes on one axis."""

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.explore.run.predicted import predicted
from orchestrator.explore.run.scenes import ROOM, Scene, draw, grown
from orchestrator.results.summary import FaultSummary
from tests.unit.orchestrator.explore.run.run_fixtures import case_in
from tests.unit.orchestrator.report.report_fixtures import HOSTILE, exhibit, serve

MEASURED = exhibit(serve(2, users=3, messages=2))


def test_the_axis_grows_in_steps() -> None:
    end_ns = MEASURED.excerpt.end_ns
    assert grown(0, []) == 0
    assert grown(0, [end_ns]) == end_ns
    assert grown(end_ns, [end_ns]) == end_ns
    assert grown(end_ns - 1, [end_ns]) == round(end_ns * ROOM)


def test_a_fault_so_far_is_drawn_and_in_sight() -> None:
    pause = FaultSummary(
        fault="pause", worker=None, asked_s=9.0, effect_s=9.0, reverted_s=9.5, error="",
        is_by_hand=True,
    )  # fmt: skip
    scene = Scene("prefork", MEASURED, "so far", faults=(pause,))
    assert scene.end_ns == 9_500_000_000
    assert "pause (by hand)" in draw(scene, "no twin", scene.end_ns)
    assert Scene("prefork", MEASURED, "so far").end_ns == MEASURED.excerpt.end_ns


def test_both_have_their_lanes_on_one_axis() -> None:
    twin = predicted(case_in(), 100)
    markup = draw(Scene("prefork", MEASURED, "so far"), twin, 10**9)
    assert markup.count('<svg class="lanes"') == 2
    assert markup.count(">worker 2</text>") == 2
    assert "prefork, predicted" in markup
    assert "prefork, measured" in markup
    labels = [part.split("</text>")[0] for part in markup.split('text-anchor="middle">')[1:]]
    assert labels[: len(labels) // 2] == labels[len(labels) // 2 :]


def test_what_is_missing_has_its_reason() -> None:
    markup = draw(Scene(HOSTILE, Exhibit(), "it has not begun"), f"no twin {HOSTILE}", 10**9)
    assert "<svg" not in markup
    assert "no twin" in markup
    assert "it has not begun" in markup
    assert "<script" not in markup
