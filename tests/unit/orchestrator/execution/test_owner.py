import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.cli.clean import Leftover, end_process, find_processes, find_projects
from orchestrator.execution.owner import LABEL, MARK, Owner, State, claim

CAMPAIGN = "0badcafe"


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Return this process as an owner; the processes that it starts have its mark."""
    monkeypatch.setenv(MARK, "")
    return claim(CAMPAIGN, kept=False)


@contextmanager
def sleeper(mark: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process with ``mark`` in its environment."""
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={MARK: mark}
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def gone(owner: Owner) -> Owner:
    """Return an owner that has ended: this process, with another start time."""
    return replace(owner, started=owner.started + 1)


def found(campaign_id: str) -> list[Leftover]:
    return [each for each in find_processes() if each.campaign_id == campaign_id]


def test_an_orchestrator_that_lives_is_seen(owner: Owner) -> None:
    assert owner.state() is State.RUNS
    assert Owner.parse(os.environ[MARK]) == owner


def test_a_number_that_came_again_is_another_process(gone: Owner) -> None:
    assert gone.state() is State.GONE


def test_one_that_was_killed_and_not_yet_reaped_is_gone(owner: Owner) -> None:
    with sleeper("") as process:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        theirs = replace(owner, pid=process.pid, started=int(fields[19]))
        assert theirs.state() is State.RUNS
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert theirs.state() is State.GONE


def test_another_host_is_out_of_sight(gone: Owner) -> None:
    assert replace(gone, host="elsewhere").state() is State.OUT_OF_SIGHT


@given(st.text())
def test_what_names_no_owner_is_nobodys(text: str) -> None:
    parsed = Owner.parse(text)
    assert parsed is None or Owner.parse(str(parsed)) == parsed


@pytest.mark.parametrize("kept", [True, False])
def test_an_owner_survives_its_text(owner: Owner, kept: bool) -> None:
    there = replace(owner, kept=kept)
    assert Owner.parse(str(there)) == there


def test_what_a_dead_orchestrator_left_is_found_and_ended(gone: Owner) -> None:
    with sleeper(str(gone)) as process:
        (left,) = found(CAMPAIGN)
        assert left.reason_to_stay(None) == ""
        assert f"process {process.pid} (" in left.what
        end_process(left)
        assert process.wait() == -9
    assert found(CAMPAIGN) == []


def test_what_is_in_use_stays(owner: Owner) -> None:
    with sleeper(str(owner)):
        (left,) = found(CAMPAIGN)
        for asked in (None, CAMPAIGN):
            assert left.reason_to_stay(asked) == f"in use by process {os.getpid()}"


def test_a_number_that_is_somebody_elses_by_now_is_not_killed(gone: Owner) -> None:
    with sleeper("nobody") as process:
        end_process(Leftover(CAMPAIGN, gone, "", pid=process.pid))
        assert process.poll() is None


@pytest.mark.parametrize("change", [{"kept": True}, {"host": "elsewhere"}])
def test_naming_the_campaign_removes_what_may_be_wanted(
    gone: Owner, change: dict[str, object]
) -> None:
    left = Leftover(CAMPAIGN, replace(gone, **change), "")  # type: ignore[arg-type]
    assert "remove it with --campaign 0badcafe" in left.reason_to_stay(None)
    assert left.reason_to_stay("other") != ""
    assert left.reason_to_stay(CAMPAIGN) == ""


class FakeEngine:
    """An engine with projects of the lab, of an older version of it, and of others."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def projects(self) -> dict[str, list[tuple[dict[str, str], str]]]:
        ours = {LABEL: self._mark}
        return {
            f"lab-{CAMPAIGN}-1": [(ours, "container"), (ours, "container"), (ours, "network")],
            "lab-0000cafe-2": [({}, "network")],
            "lab-1111cafe-1": [(ours, "container")],
            "label-maker": [(ours, "container")],
            "server-models-lab": [({LABEL: ""}, "container")],
        }


def test_only_projects_of_ours_are_found(gone: Owner) -> None:
    first, second = find_projects(FakeEngine(str(gone)))  # type: ignore[arg-type]
    assert first.what == f"project lab-{CAMPAIGN}-1 (2 containers, 1 network)"
    assert first.reason_to_stay(None) == ""
    assert (second.campaign_id, second.owner) == ("0000cafe", None)
    assert "cannot tell from this host" in second.reason_to_stay(None)
