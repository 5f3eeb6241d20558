import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.owner import MARK, Owner, State, claim, end_strays
from tests.unit.orchestrator.execution.owner_fixtures import CAMPAIGN, gone_owner, sleeper


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Return this process as an owner; the processes that it starts have its mark."""
    monkeypatch.setenv(MARK, "")
    return claim(CAMPAIGN, kept=False)


@pytest.fixture
def gone(owner: Owner) -> Owner:
    """Return an owner that has ended."""
    assert os.environ[MARK] == str(owner)
    return gone_owner()


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
@pytest.mark.parametrize("checkout", ["", "/a b:c/\u00e9", "/100%/$x", "/not-utf8-\udcff"])
def test_an_owner_survives_its_text(owner: Owner, kept: bool, checkout: str) -> None:
    there = replace(owner, kept=kept, checkout=checkout)
    assert Owner.parse(str(there)) == there


def test_a_mark_of_an_older_version_belongs_to_no_known_checkout(owner: Owner) -> None:
    older = Owner.parse(str(owner).rpartition(":")[0])
    assert older == replace(owner, checkout="")
    assert owner.is_of_this_checkout
    assert older is not None
    assert not older.is_of_this_checkout


@pytest.mark.parametrize("digits", ["9" * 5000, "-1", "\u0661", ""])
def test_a_mark_with_an_odd_number_is_nobodys(digits: str) -> None:
    assert Owner.parse(f"{CAMPAIGN}:{digits}:1:host:") is None


def test_a_daemon_of_a_target_is_ended_and_a_program_of_others_is_not(owner: Owner) -> None:
    with sleeper(str(owner)) as stray, sleeper(str(replace(owner, campaign_id="0" * 8))) as other:
        end_strays()
        assert stray.wait() == -signal.SIGKILL
        assert other.poll() is None
        other.kill()
