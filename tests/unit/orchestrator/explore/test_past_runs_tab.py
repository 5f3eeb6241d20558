"""Reports are read from the folder of the results, and nothing else is."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.explore.access import TOKEN_HEADER
from orchestrator.explore.past_runs_tab import REPORT_POLICY
from tests.unit.orchestrator.campaign.stored_run_fixtures import store_campaign
from tests.unit.orchestrator.explore.explore_fixtures import Site, explore_site

REPORT, SECRET = "<p>a report</p>", "a secret"
RUN = "mine-20260131T120000Z-1a2b3c4d"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Return a folder of results, beside which there is something that must not be read."""
    folder = tmp_path / "results" / RUN
    (folder / "raw").mkdir(parents=True)
    (folder / "report.html").write_text(REPORT)
    (folder / "scenario.yaml").write_text(SECRET)
    (tmp_path / "report.html").write_text(SECRET)
    (tmp_path / "results" / "linked").symlink_to(tmp_path)
    (folder / "raw" / "report.html").symlink_to(tmp_path / "report.html")
    return tmp_path / "results"


@pytest.fixture
def site(results: Path) -> Iterator[Site]:
    with explore_site(results) as found:
        yield found


def test_the_list_links_to_the_report(site: Site) -> None:
    listed = site.get("past_runs/list").text
    assert f'href="past_runs/files/{RUN}/report.html"' in listed
    assert site.get(f"past_runs/files/{RUN}/report.html").text == REPORT


def test_a_report_reaches_nothing_of_the_page(site: Site) -> None:
    """It may come from others; its own policy says which script in it has an effect."""
    headers = site.get(f"past_runs/files/{RUN}/report.html").headers
    assert headers["content-security-policy"] == REPORT_POLICY
    assert "sandbox allow-scripts" in REPORT_POLICY
    assert "default-src 'none'" in REPORT_POLICY
    assert headers["x-content-type-options"] == "nosniff"


def test_the_address_of_a_report_opens_reports_only(site: Site) -> None:
    """Its script can read it, and lead its window to an address elsewhere with it."""
    asked = site.ask(f"/{site.token}/past_runs/files/{RUN}/report.html")
    address = asked.headers["location"]
    assert asked.code == 303
    assert site.token not in address
    assert site.ask(address).text == REPORT
    token = address.split("/")[1]
    for path in ("", "past_runs/list", "run/follow", "static/explore.js", "past_runs/files"):
        assert site.ask(f"/{token}/{path}").code == 403
    change = {TOKEN_HEADER: token, "origin": f"http://{site.host}"}
    for path in (address, f"/{token}/run/start", f"/{site.token}/run/start"):
        assert site.ask(path, "POST", change, b"{}").code == 403


def test_a_pipe_in_the_results_is_not_waited_for(site: Site, results: Path) -> None:
    piped = results / "piped-20260131T120000Z-1a2b3c4d"
    piped.mkdir()
    for name in ("summary.json", "report.html"):
        os.mkfifo(piped / name)
    assert site.get(f"past_runs/files/{piped.name}/report.html").code == 404
    assert piped.name in site.get("past_runs/list").text


@pytest.mark.parametrize(
    "path",
    [
        "../report.html", "..%2Freport.html", "%2e%2e/report.html", f"{RUN}/../../report.html",
        f"{RUN}/..%2f..%2freport.html", "linked/report.html", f"{RUN}/raw/report.html",
        "/etc/passwd", "%2Fetc%2Fpasswd", f"{RUN}/scenario.yaml", f"{RUN}", f"{RUN}/raw", "",
        "none/report.html", f"{RUN}/report.html/", f"{RUN}/report.html%00", "%ff/report.html",
        "x" * 5_000, f"{RUN}/report.html/report.html",
    ],
)  # fmt: skip
def test_nothing_else_is_read(site: Site, path: str) -> None:
    answer = site.get(f"past_runs/files/{path}")
    assert answer.code == 404 or answer.text == REPORT
    assert SECRET not in answer.text
    assert "root:" not in answer.text


def test_results_that_do_not_exist_are_named(tmp_path: Path) -> None:
    with explore_site(tmp_path / "none") as site:
        assert "No results yet in" in site.get("past_runs/list").text


def test_two_runs_are_shown_side_by_side_and_nothing_is_stored(tmp_path: Path) -> None:
    folders = [tmp_path / each for each in ("before", "after")]
    for folder in folders:
        folder.mkdir()
        store_campaign(folder)
    stored = sorted(path for path in tmp_path.rglob("*"))
    runs = "&".join(f"run={each.name}/two-20260102T030405Z-0badcafe" for each in folders)
    with explore_site(tmp_path) as site:
        answer = site.get(f"past_runs/beside?{runs}")
        assert "<h2>Differences: B against A</h2>" in answer.text
        assert answer.headers["content-security-policy"] == REPORT_POLICY
        listed = site.get("past_runs/list").text
        assert listed.count("data-pick") == 2
        assert "data-beside" in listed
    assert sorted(path for path in tmp_path.rglob("*")) == stored


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", 400), (f"run={RUN}", 400), (f"run={RUN}&run={RUN}&run={RUN}", 400),
        (f"run={RUN}&run=..", 404), (f"run={RUN}&run=none", 404), (f"run={RUN}&run=%00", 404),
        (f"run={RUN}&run={RUN}", 400), (f"run={RUN}&run=/etc", 404),
    ],
)  # fmt: skip
def test_other_runs_are_not_shown_side_by_side(site: Site, query: str, code: int) -> None:
    answer = site.get(f"past_runs/beside?{query}")
    assert answer.code == code
    assert SECRET not in answer.text


def test_a_measure_is_shown_over_the_runs_of_a_scenario(tmp_path: Path) -> None:
    for each in ("before", "after"):
        (tmp_path / each).mkdir()
        store_campaign(tmp_path / each)
    with explore_site(tmp_path) as site:
        assert "<option>two</option>" in site.get("past_runs/list").text
        answer = site.get("past_runs/trend?scenario=two&measure=makespan")
        assert answer.text.count('<path class="curve s0"') == 2
        assert "201.0 ms, 201.0 ms" in answer.text
        by_default = site.get("past_runs/trend?scenario=two").text
        assert "<caption>response_time_p50: median time" in by_default
        assert "Unknown: " not in by_default
        p99 = site.get("past_runs/trend?scenario=two&measure=response_time_p99").text
        assert "Unknown: p99 takes at least 100 messages" in p99
        for query in ("", "?scenario=two&measure=cpus", "?measure=makespan"):
            assert site.get(f"past_runs/trend{query}").code == 404


def test_of_a_scenario_that_has_run_once_the_page_says_what_a_measure_takes(
    tmp_path: Path,
) -> None:
    store_campaign(tmp_path)
    with explore_site(tmp_path) as site:
        listed = site.get("past_runs/list").text
    assert "once it has run at least twice" in listed
    assert "data-trend-form" not in listed
