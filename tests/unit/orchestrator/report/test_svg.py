import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from orchestrator.report.svg import LANES, NoSuchPictureError, picture
from orchestrator.results.summary import OverTime
from tests.unit.orchestrator.report.report_fixtures import (
    HOSTILE,
    case,
    exhibit,
    findings,
    run_over_time,
    serve,
    summary,
)

SVG = "{http://www.w3.org/2000/svg}"
CHECKED_IN = sorted((Path(__file__).parents[4] / "docs" / "pictures").glob("*.svg"))


def test_a_band_of_lanes_for_each_case() -> None:
    shown = {"single": exhibit(serve(1)), "prefork": exhibit(serve(5))}
    drawn = ET.fromstring(  # noqa: S314 our own
        picture(findings(summary(case("single"), case("prefork")), {}, shown), LANES)
    )
    bands = drawn.findall(f"{SVG}svg")
    assert len(bands) == 2
    assert all(len(band.findall(f"{SVG}path")) >= 7 for band in bands)
    assert "5 at a time, 1.004 s in total" in "".join(drawn.itertext())


def test_a_plot_of_a_chart_for_each_case() -> None:
    shown = {"single": exhibit(serve(1)), "prefork": exhibit(serve(5))}
    found = findings(summary(case("single"), case("prefork")), {}, shown)
    drawn = ET.fromstring(picture(found, "percentiles"))  # noqa: S314 our own
    curves = [path for path in drawn.iter(f"{SVG}path") if "response" in path.get("class", "")]
    assert len(curves) == 2 + 1  # one a case, and the legend's
    assert {"single", "prefork", "99.99"} <= {text.text for text in drawn.iter(f"{SVG}text")}


def test_plots_over_time_of_all_cases_with_enough_messages() -> None:
    steps = OverTime(
        step_s=1.0, end_s=1.0, warmup_s=0.0, begin_s=[0.0], offered_per_s=[100.0],
        throughput_per_s=[90.0], failed_per_s=[10.0], errors_per_s=[0.0], in_flight=[1.0],
        response_time_p50_s=[0.1], response_time_p99_s=[None], response_time_max_s=[0.2],
    )  # fmt: skip
    cases = [case(name, runs=[run_over_time(steps)]) for name in ("single", "prefork")]
    drawn = ET.fromstring(picture(findings(summary(*cases), {}, {}), "over-time"))  # noqa: S314 our own
    texts = {text.text for text in drawn.iter(f"{SVG}text")}
    assert {"single: messages per s", "prefork: response time", "failed per s"} <= texts


def test_the_error_for_an_unknown_picture_lists_those_available() -> None:
    found = findings(summary(case("single")), {}, {"single": exhibit(serve(1))})
    with pytest.raises(
        NoSuchPictureError, match=r"'tail'; they have: lanes, glance, ecdf, percentiles"
    ):
        picture(found, "tail")


@pytest.mark.parametrize("name", [LANES, "percentiles"])
def test_hostile_text_stays_text(name: str) -> None:
    hostile = summary(case(HOSTILE), intent=HOSTILE)
    text = picture(findings(hostile, {}, {HOSTILE: exhibit(serve(1))}), name)
    drawn = ET.fromstring(text)  # noqa: S314 our own
    assert drawn.findall(f".//{SVG}script") == []
    assert "<script>alert(1)</script>" in "".join(drawn.itertext())


def test_a_campaign_without_messages_is_a_picture_too() -> None:
    ET.fromstring(picture(findings(summary(), {}, {}), LANES))  # noqa: S314 our own


@pytest.mark.parametrize("path", CHECKED_IN, ids=lambda path: path.name)
def test_what_is_checked_in_loads_nothing_and_is_used(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)|url\(|@import|<script|href", text) == []
    root = Path(__file__).parents[4]
    pages = [
        root / "README.md",
        *(root / "docs").glob("*.md"),
        *(root / "docs").glob("lessons/*.md"),
        *root.glob("services/*/README.md"),
    ]
    assert any(f"pictures/{path.name}" in page.read_text(encoding="utf-8") for page in pages)
