"""The excerpt is chosen evenly, and by whole users."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.excerpt import MAX_REQUESTS, MAX_USERS, MOST_FAILING, Excerpt, excerpt
from orchestrator.analysis.join import merge
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    MS,
    START_NS,
    Sent,
    evidence,
    replica,
    served,
)


def shown(users: int, messages: int, limit: int = MAX_REQUESTS) -> Excerpt:
    sent = [Sent(u, 1 + m, 2 + m, message=m) for u in range(users) for m in range(messages)]
    told = evidence([replica(0, sent)], [served(u, 1, 1 + u, 2 + u) for u in range(users)])
    return excerpt(merge(told.clients, told.log).requests, START_NS, told.clients.groups, limit)


def names(found: Excerpt) -> list[str]:
    return list(dict.fromkeys(each.user for each in found.requests))


def test_all_of_a_small_case_in_nanoseconds_from_the_start() -> None:
    found = shown(2, 2)
    assert (found.users, found.sent, found.end_ns) == (2, 4, 3 * MS)
    first = found.requests[0]
    assert (first.id, first.user, first.outcome, first.worker) == ("r0.c0.m0", "user 0", "acked", 1)
    assert (first.due_ns, first.sent_ns, first.started_ns, first.finished_ns) == (
        0, 1 * MS, 1 * MS, 2 * MS,
    )  # fmt: skip
    second = found.requests[1]
    assert (second.message, second.worker, second.started_ns) == (1, None, None)


def test_users_stand_in_the_order_of_their_first_service_and_the_unserved_last() -> None:
    sent = [Sent(0, 1, 90), Sent(1, 1, 50), Sent(2, 1, 99, "reset")]
    told = evidence([replica(0, sent)], [served(0, 1, 50, 90), served(1, 1, 1, 50)])
    found = excerpt(merge(told.clients, told.log).requests, START_NS, ("clients",))
    assert names(found) == ["user 1", "user 0", "user 2"]


def test_a_user_that_failed_at_once_stands_among_those_of_its_time() -> None:
    """A killed worker leaves no record of the message in service: its lane is beside the fault."""
    sent = [Sent(0, 1, 20), Sent(1, 21, 25, "closed_early"), Sent(2, 30, 40)]
    told = evidence([replica(0, sent)], [served(0, 1, 1, 20), served(2, 1, 30, 40)])
    found = excerpt(merge(told.clients, told.log).requests, START_NS, ("clients",))
    assert names(found) == ["user 0", "user 1", "user 2"]


def test_groups_are_named_where_there_are_several() -> None:
    told = evidence(
        [replica(0, [Sent(0, 1, 2)], group="a"), replica(1, [Sent(0, 1, 2)], group="b")], []
    )
    found = excerpt(merge(told.clients, told.log).requests, START_NS, told.clients.groups)
    assert names(found) == ["a user 0", "b user 0"]


def test_users_are_left_out_evenly() -> None:
    found = shown(1000, 2)
    assert len(names(found)) == MAX_USERS
    assert (found.users, found.sent) == (1000, 2000)
    assert names(found)[0] == "user 0"
    assert int(names(found)[-1].removeprefix("user ")) > 900


def test_whole_users_go_before_one_loses_a_request() -> None:
    found = shown(100, 100)
    counts = [[each.user for each in found.requests].count(name) for name in names(found)]
    assert set(counts) == {100}
    assert len(found.requests) <= MAX_REQUESTS


def test_one_user_alone_is_bounded_too() -> None:
    found = shown(1, 100, limit=40)
    assert [len(found.requests), found.users, found.sent] == [40, 1, 100]


def test_of_nothing_there_is_nothing_to_show() -> None:
    assert shown(0, 0) == Excerpt()


def drawn(sent: list[Sent], limit: int = MAX_REQUESTS, cut_off: list[int] | None = None) -> Excerpt:
    """Return the excerpt of ``sent``, all served in time; ``cut_off`` lost their connections."""
    told = evidence([replica(0, sent)], [served(s.user, 1, 1, 2) for s in sent])
    keys = np.array(cut_off or [], np.uint64)  # of replica 0
    return excerpt(merge(told.clients, told.log).requests, START_NS, ["clients"], limit, keys)


def test_a_user_with_a_failed_message_is_never_left_out() -> None:
    """One of a thousand failed; an even choice of two hundred would not contain it."""
    sent = [Sent(u, 1, 2, "closed_early" if u == 777 else "acked") for u in range(1000)]
    found = drawn(sent)
    assert "user 777" in names(found)
    assert len(names(found)) == MAX_USERS
    assert (found.failing, found.failing_shown) == (1, 1)


def test_a_user_whose_connection_was_cut_off_is_never_left_out() -> None:
    """The client of a killed worker may have had no message in service."""
    found = drawn([Sent(u, 1, 2) for u in range(1000)], cut_off=[778])
    assert "user 778" in names(found)
    assert (found.failing, found.failing_shown) == (1, 1)


def test_the_user_of_the_slowest_message_is_never_left_out() -> None:
    found = drawn([Sent(u, 1, 90 if u == 779 else 2) for u in range(1000)])
    assert "user 779" in names(found)
    assert found.failing == 0


def test_many_failing_users_leave_room_for_others_and_are_counted() -> None:
    sent = [Sent(u, 1, 2, "reset" if u < 900 else "acked") for u in range(1000)]
    found = drawn(sent)
    assert len(names(found)) == MAX_USERS
    assert found.failing == 900
    assert found.failing_shown == round(MOST_FAILING * MAX_USERS)
    assert any(each.outcome == "acked" for each in found.requests)


def test_one_user_alone_keeps_its_failed_and_slowest_messages() -> None:
    sent = [
        Sent(0, m, 500 if m == 70 else m + 1, "reset" if m == 99 else "acked", message=m)
        for m in range(100)
    ]
    found = drawn(sent, limit=10)
    assert [each.message for each in found.requests] == [*range(8), 70, 99]


@given(
    outcomes=st.lists(st.sampled_from(["acked", "reset"]), min_size=1, max_size=60),
    limit=st.integers(1, 80),
)
def test_the_limit_holds_and_failing_users_come_first(outcomes: list[str], limit: int) -> None:
    found = drawn([Sent(u, 1, 2, outcome) for u, outcome in enumerate(outcomes)], limit)
    assert 1 <= len(found.requests) <= limit
    assert found.failing == outcomes.count("reset")
    is_any_failing = bool(found.failing)
    assert bool(found.failing_shown) == is_any_failing
