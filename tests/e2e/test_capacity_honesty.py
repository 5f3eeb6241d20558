"""A client or a host that cannot bear the load is never reported as the server's capacity."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.results.capacity import NO_FIGURE
from tests.cpu_fixtures import cpu_quota, hogs
from tests.e2e.lab_fixtures import Lab, copy_checkout, edit

HOLDS, FAILS, INVALID = 0, 1, 4
VERDICTS = {HOLDS: "holds", FAILS: "does not hold"}
MOST_INVALID = 4
"""Trials of a load: one that does not count, and three that repeat it."""

MOST_S = 60.0
"""In which a search without a valid trial gives up, in seconds."""

FAST = """\
intent: How much does an event loop bear that hardly does anything?
models: [epoll]
clients: [{executor: open, rate: 100/s, duration: 5s, connections: each, demand: sleep=1ms}]
"""
OF_USERS = """\
intent: How many users does an event loop bear that hardly does anything?
models: [epoll]
clients: [{executor: closed, users: 5, duration: 5s, demand: sleep=1ms}]
"""
ONE_AT_A_TIME = """\
intent: How much does a server bear that is busy for 1 ms with each message, one at a time?
models: [single]
clients: [{executor: open, rate: 100/s, duration: 5s, connections: each, demand: sleep=1ms}]
"""
"""It serves less than 1,000/s on any host, and much more than 50/s."""

ANY_RUN_IS_VALID = "validity: []\n"
"""The scenario itself asks nothing of the host."""

IMPORT = "from client.cli"
ENTER = """\
if "conductor" not in sys.argv:
    Path({processes!r}).write_text("0")  # this process
"""


def search(lab: Lab, scenario: str, *options: str) -> dict[str, Any]:
    """Return what a search found; its exit code is the one it says."""
    path = lab.out.parent / "mine.yaml"
    path.write_text(scenario)
    place = ("--backend", "process", "--out", lab.out, "--json")
    ended = lab.orchestrate("capacity", path, *options, *place)
    found: dict[str, Any] = json.loads(ended.out)
    assert found["exit_code"] == ended.code, ended.err
    return found


@pytest.fixture
def lab_of_slow_clients(tmp_path: Path) -> Iterator[Lab]:
    """Yield a checkout whose clients share a tenth of a core from their first line on."""
    with cpu_quota(0.1) as processes:
        checkout = copy_checkout(tmp_path / "copy")
        enter = ENTER.format(processes=str(processes))
        program = checkout / "client" / "client.py"
        edit(program, lambda text: text.replace(IMPORT, f"{enter}\n{IMPORT}", 1))
        lab = Lab(checkout, tmp_path / "results")
        yield lab
        assert lab.left_processes() == []


def assert_no_figure(found: dict[str, Any]) -> None:
    """Check that ``found`` has no capacity of its case, and says why."""
    (case,) = found["cases"]
    assert found["exit_code"] == INVALID, found
    assert case["upper"] is None
    assert case["headroom_high"] is None
    assert not case["is_complete"]
    assert case["limited_by"] in NO_FIGURE
    assert case["evidence"]
    sentence = found["answer"][-1]
    assert case["evidence"] in sentence
    assert "no figure" in sentence


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_clients_with_a_tenth_of_a_core_do_not_measure_a_server(lab_of_slow_clients: Lab) -> None:
    found = search(lab_of_slow_clients, FAST, "--slo", "p99 < 50ms", "--width", "50%")
    assert_no_figure(found)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_nor_do_users_with_a_tenth_of_a_core_who_have_no_schedule_to_lag_behind(
    lab_of_slow_clients: Lab,
) -> None:
    scenario = OF_USERS + ANY_RUN_IS_VALID
    found = search(lab_of_slow_clients, scenario, "--slo", "p99 < 20ms", "--at", "40")
    assert_no_figure(found)


@pytest.mark.slow
def test_beside_hogs_a_search_gives_up_soon_without_a_figure(lab: Lab) -> None:
    with hogs():
        found = search(lab, ONE_AT_A_TIME, "--slo", "p99 < 20ms", "--width", "50%")
    assert_no_figure(found)
    assert found["duration_s"] < MOST_S
    (load,) = found["cases"][0]["loads"]
    assert len([trial for trial in load["trials"] if trial["invalid"]]) == MOST_INVALID


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
def test_nor_is_there_an_upper_bound_beside_hogs_if_the_scenario_has_no_rules(lab: Lab) -> None:
    scenario = ONE_AT_A_TIME + ANY_RUN_IS_VALID
    with hogs():
        found = search(lab, scenario, "--slo", "p99 < 20ms", "--width", "50%")
    (case,) = found["cases"]
    assert (found["exit_code"], case["upper"]) == (INVALID, None)


@pytest.mark.slow
@pytest.mark.usefixtures("only_long")
@pytest.mark.parametrize(("at", "code"), [("50/s", HOLDS), ("2000/s", FAILS)])
def test_with_enough_cpu_time_a_load_is_decided(lab: Lab, at: str, code: int) -> None:
    scenario = ONE_AT_A_TIME + ANY_RUN_IS_VALID
    found = search(lab, scenario, "--slo", "p90 < 100ms", "--at", at)
    (case,) = found["cases"]
    assert (found["exit_code"], case["at"]) == (code, VERDICTS[code])
