import pytest

from orchestrator.explore.play.outcome import ROWS
from tests.unit.orchestrator.explore.play.play_fixtures import outcome

MS = 1_000_000
CROWD: dict[str, int | str] = {
    "load": "rate", "arrivals": "constant", "rate_per_s": 20, "seconds": 10,
    "service_ms": 2000, "backlog": 1,
}  # fmt: skip


def test_the_sixth_user_waits_for_both_messages_of_another() -> None:
    found = outcome("prefork", users=6, workers=5, messages=2, service_ms=100)
    assert found.waiting == (6,)
    assert found.figures["wait_max"] == 0.2
    assert found.figures["makespan"] == 0.4
    assert found.figures["throughput"] == 30


def test_figures_begin_when_the_users_do_and_leave_the_long_message_out() -> None:
    found = outcome("epoll", users=2, messages=1, long_ms=1000)
    assert (found.count, len(found.messages)) == (2, 2)
    assert found.figures["makespan"] == 0.1


def test_a_percentile_of_too_few_messages_is_unknown() -> None:
    cells = dict(zip([row.name for row in ROWS], outcome("epoll").cells, strict=True))
    assert (cells["response_p99"], cells["response_p50"]) == ("—", "100.0 ms")


def test_the_accept_queue_holds_one_more_than_the_backlog() -> None:
    found = [outcome("single", users=8, backlog=each) for each in (5, 6, 7)]
    assert [each.left_out for each in found] == [2, 1, 0]
    assert [each.figures["accept_queue_max"] for each in found] == [5, 6, 7]


def test_a_connect_that_finds_it_full_costs_a_second() -> None:
    found = outcome("single", users=7, messages=1, backlog=5)
    assert found.figures["makespan"] == pytest.approx(1.1)
    assert found.figures["wait_max"] == pytest.approx(1.0)


def test_a_worker_is_idle_before_a_connect_is_tried_again_unless_it_has_work_for_a_second() -> None:
    few, many = (outcome("single", users=9, messages=each, backlog=5) for each in (1, 2))
    assert (few.left_out, few.is_idle_before_retry) == (3, True)
    assert (many.left_out, many.is_idle_before_retry) == (3, False)
    assert not outcome("fork_per_connection", users=9).is_idle_before_retry


def test_connects_that_find_it_full_for_131_seconds_fail() -> None:
    found = outcome("single", **CROWD)
    assert (found.count, found.left_out, found.unconnected) == (200, 193, 169)
    assert found.figures["connections_max"] == 200 - 169


def test_messages_wait_for_a_place_or_for_service() -> None:
    for model, is_awaiting in (("epoll", False), ("half_sync", True), ("prefork", True)):
        found = outcome(model, users=12, messages=1, backlog=2)
        assert (len(found.waiting), found.is_awaiting_service) == (9, is_awaiting)


def test_a_service_is_stretched_by_others_that_compute() -> None:
    assert outcome("prefork", users=4, workers=4, work="cpu").is_stretched
    assert not outcome("prefork", users=2, workers=4, work="cpu").is_stretched
    assert not outcome("prefork", users=4, workers=4).is_stretched


def test_a_worker_without_work_keeps_no_connection() -> None:
    found = outcome("prefork", users=2, workers=3, messages=2, think_ms=50)
    assert found.kept == {1: [(0, 250 * MS)], 2: [(0, 250 * MS)], 3: []}
    assert found.idle == 1
    assert (found.figures["connections_max"], found.figures["connections_min"]) == (1, 0)


def test_a_silent_client_keeps_a_worker_and_connections_at_once_are_one() -> None:
    found = outcome("single", users=2, messages=1, silent_ms=200)
    assert found.kept == {1: [(0, 400 * MS)]}
    assert found.idle == 0


@pytest.mark.parametrize("model", ["threaded", "prefork_pass", "prethreaded"])
def test_a_worker_keeps_a_connection_from_when_it_has_taken_it(model: str) -> None:
    found = outcome(model, users=3, workers=2, messages=1)
    assert sorted(map(len, found.kept.values())) == [1, 1]
    assert {spans[0][0] for spans in found.kept.values()} == {0}


def test_workers_that_are_started_for_a_connection_are_never_idle() -> None:
    assert [outcome(each).kept for each in ("fork_per_connection", "epoll")] == [{}, {}]


def test_workers_behind_a_loop_keep_no_connection() -> None:
    found = outcome("half_sync", users=1, workers=3, messages=2)
    assert (found.kept, found.idle) == ({1: [], 2: [], 3: []}, 1)
    assert found.figures["connections_max"] is None
