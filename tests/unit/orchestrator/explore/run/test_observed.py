"""What a growing event log shows of a run."""

import json
import time
from pathlib import Path

import pytest

from orchestrator.explore.run.observed import MOST_BYTES, is_too_long, observe
from orchestrator.results.archive import KERNEL
from orchestrator.results.fault_log import FaultRecord, write_faults
from tests.unit.orchestrator.analysis.evidence_fixtures import MS, accepted, listening, served
from tests.unit.orchestrator.explore.run.run_fixtures import TEXT, case_in, write_log

TWO_GROUPS = TEXT.replace(
    "clients: [{",
    "clients: [{name: few, executor: closed, users: 1, messages: 1, demand: sleep=1ms}, "
    "{name: many, ",
)


def lines_of(*events: object) -> list[str]:
    return [json.dumps(each) for each in events]


def test_every_message_with_an_ack_is_drawn_since_the_first_accept(tmp_path: Path) -> None:
    events = (listening(), accepted("0.0", 1, 2.0, 40_000), served(0, 1, 2, 102))
    log = write_log(tmp_path / "server.log", *lines_of(*events), '{"t_ns": 1, "event": "reque')
    seen = observe(log, tmp_path, case_in(), 100)
    (request,) = seen.shown.excerpt.requests
    assert (seen.faults, seen.without_lane) == ((), "")
    assert (request.user, request.worker, request.outcome) == ("user 0", 1, "acked")
    assert (request.started_ns, request.finished_ns) == (0, 100 * MS)
    assert request.accepted_ns == 0


def test_an_empty_log_shows_nothing(tmp_path: Path) -> None:
    log = write_log(tmp_path / "server.log", "")
    assert observe(log, tmp_path, case_in(), 100).shown.excerpt.requests == ()


def test_connections_that_wait_have_no_lane_and_are_counted(tmp_path: Path) -> None:
    waits = [accepted(f"0.{number}", 1, 3.0, 40_001) for number in (1, 2)]
    events = (listening(), accepted("0.0", 1, 2.0, 40_000), *waits, served(0, 1, 2, 102))
    log = write_log(tmp_path / "server.log", *lines_of(*events), "")
    without_lane = observe(log, tmp_path, case_in(), 100).without_lane
    assert without_lane == "connections without a lane: 2 accepted, without an ack"
    look = {"t_ns": 1, "event": "looked", "accept_queue": 3}
    (tmp_path / KERNEL).write_text(json.dumps(look) + "\n")
    without_lane = observe(log, tmp_path, case_in(), 100).without_lane
    assert without_lane.endswith(": 3 not yet accepted, 2 accepted, without an ack")


def test_a_message_belongs_to_the_group_of_its_replica(tmp_path: Path) -> None:
    messages = [served(0, 1, 1 + replica, 101, replica=replica) for replica in (0, 1, 9)]
    events = (listening(), accepted("0.0", 1, 0.5, 40_000), *messages)
    log = write_log(tmp_path / "server.log", *lines_of(*events), "")
    requests = observe(log, tmp_path, case_in(TWO_GROUPS), 100).shown.excerpt.requests
    assert {each.user for each in requests} == {"few user 0", "many user 0"}


def test_a_fault_is_drawn_as_long_as_it_lasts(tmp_path: Path) -> None:
    events = (listening(), accepted("0.0", 1, 2.0, 40_000), served(0, 1, 2, 102))
    log = write_log(tmp_path / "server.log", *lines_of(*events), "")
    begun_ns = time.monotonic_ns()
    write_faults(
        [
            FaultRecord("kill-worker", begun_ns, begun_ns, worker=2, error=""),
            FaultRecord("pause", begun_ns, begun_ns, lasts_ns=10**12, error="", is_by_hand=True),
            FaultRecord("pause", begun_ns, 5 * MS, 6 * MS, 7 * MS, lasts_ns=MS, error=""),
            FaultRecord("pause", begun_ns),
        ],
        tmp_path,
    )
    killed, lasting, over = observe(log, tmp_path, case_in(), 100).faults
    assert (killed.worker, killed.reverted_s) == (2, None)
    assert (lasting.reverted_s or 0) > (lasting.effect_s or 0)
    assert lasting.is_by_hand
    assert over.effect_s is not None
    assert over.reverted_s == pytest.approx(over.effect_s + 0.002)


def test_a_long_log_is_not_drawn_while_it_grows(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    with log.open("wb") as file:
        file.truncate(MOST_BYTES)
        assert not is_too_long(log)
        file.truncate(MOST_BYTES + 1)
    assert is_too_long(log)
