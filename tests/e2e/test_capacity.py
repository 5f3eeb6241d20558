"""The command ``capacity`` over real processes."""

import json
import signal
from pathlib import Path

import pytest

from tests.e2e.lab_fixtures import Ended, Lab

SCENARIO = """\
intent: How much do eight workers bear of 20 ms each?
models: [prefork]
server: {workers: 8}
clients: [{executor: open, rate: 50/s, duration: 5s, connections: each, demand: sleep=20ms}]
validity: []
"""
SLO = "p90 < 300ms"
"""Eight workers serve at most 400/s, so that far less holds and far more does not."""


def search(lab: Lab, *options: str) -> Ended:
    path = lab.out.parent / "mine.yaml"
    path.write_text(SCENARIO)
    place = ("--backend", "process", "--out", lab.out)
    return lab.orchestrate("capacity", path, "--slo", SLO, *place, *options)


def found_in(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "capacity.json").read_text())
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_the_bounds_lie_around_what_the_workers_can_serve(lab: Lab) -> None:
    ended = search(lab, "--width", "50%", "--json")
    assert ended.code == 0, ended.err
    found = json.loads(ended.out)
    assert found == found_in(ended.results[0])
    (case,) = found["cases"]
    assert 50 < case["lower"] < case["upper"] < 900
    assert case["predicted"] is not None
    slugs = [trial["slug"] for load in case["loads"] for trial in load["trials"]]
    assert len(set(slugs)) == len(slugs)
    assert all((ended.results[0] / "raw" / slug / "case.json").is_file() for slug in slugs)
    assert (ended.results[0] / "scenario.yaml").is_file()


@pytest.mark.slow
def test_a_gate_fails_at_twice_of_what_the_workers_can_serve(lab: Lab) -> None:
    ended = search(lab, "--at", "800/s")
    assert ended.code == 1, ended.err
    assert "800/s at p90 < 300ms is not met by prefork" in ended.out


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_a_gate_holds_at_a_third_of_it(lab: Lab) -> None:
    ended = search(lab, "--at", "130/s")
    assert ended.code == 0, ended.err


@pytest.mark.together
def test_an_interrupt_keeps_what_was_found(lab: Lab) -> None:
    path = lab.out.parent / "mine.yaml"
    path.write_text(SCENARIO)
    place = ("--backend", "process", "--out", lab.out)
    ended = lab.interrupt(
        "searching", signal.SIGINT, "capacity", path, "--slo", SLO, "--at", "40/s", *place
    )
    assert ended.code == 130
    (folder,) = ended.results
    assert found_in(folder)["status"] == "interrupted"
