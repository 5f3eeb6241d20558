"""Laws that no run can break, and measures of the joined tables."""

import dataclasses

import numpy as np
import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.queue_measures import jain
from orchestrator.results.server_log import log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    STOPPED,
    Sent,
    accepted,
    connection,
    evidence,
    listening,
    replica,
    served,
    texts,
)

TWO = [Sent(0, 1, 101), Sent(1, 2, 201)]


@pytest.mark.parametrize(
    ("shares", "index"), [([5, 5, 5], 1.0), ([9, 0, 0], 1 / 3), ([1, 2], 0.9), ([0, 0], None)]
)
def test_jains_index(shares: list[int], index: float | None) -> None:
    assert jain(np.array(shares)) == (None if index is None else pytest.approx(index))


def test_the_mean_number_in_the_system_is_integrated() -> None:
    told = evidence([replica(0, TWO)], [served(0, 1, 1, 101), served(1, 1, 101, 201)])
    found = analyse(told)
    assert found.inconsistencies == []
    assert found.measures["in_system_mean"] == pytest.approx((101 + 201) / 201)


def test_messages_out_of_order_and_ids_twice_are_broken_laws() -> None:
    later_first = [Sent(0, 50, 60, message=0), Sent(0, 1, 20, message=1), Sent(0, 1, 20, message=1)]
    events = [served(0, 1, 51, 59)]
    doubts = texts(analyse(evidence([replica(0, later_first)], events)))
    assert "1 message has the same id as another" in doubts
    assert "1 message was sent before an earlier one of the same connection" in doubts
    assert "1 message was acked before an earlier one of the same connection" in doubts


def test_a_worker_of_a_pool_serves_one_message_at_a_time() -> None:
    events = [served(0, 1, 1, 101), served(1, 1, 100, 200)]
    told = evidence([replica(0, TWO)], events, is_one_at_a_time=True)
    law = "1 message was started by a worker that was still serving another"
    assert texts(analyse(told)) == [law]
    assert texts(analyse(evidence([replica(0, TWO)], events))) == []  # a loop may


def test_a_message_received_before_an_earlier_one_is_a_broken_law() -> None:
    first, second = dict(served(0, 1, 50, 60)), dict(served(0, 1, 10, 20))
    second["request"] = "r0.c0.m1"
    sent = [Sent(0, 1, 61), Sent(0, 5, 62, message=1)]
    assert texts(analyse(evidence([replica(0, sent)], [first, second]))) == [
        "1 message was received before an earlier one of the same connection"
    ]


def test_the_accept_queue_holds_who_is_connected_and_not_accepted() -> None:
    rows = [connection(0, 10), connection(1, 20), connection(2, 30)]
    events = [accepted("0.0", 1, 110, rows[0].port), accepted("0.1", 1, 120, rows[1].port)]
    found = analyse(evidence([replica(0, [], connections=rows)], events)).measures
    assert found["accept_queue_max"] == 3  # the third was never accepted, and left at 500 ms
    assert found["accept_queue_mean"] == pytest.approx((100 + 100 + 470) / 490)


def test_a_worker_that_idles_while_a_message_waits_loses_work() -> None:
    """Two workers: the second message waits 100 ms behind the first, with one of them idle."""
    told = evidence([replica(0, TWO)], [served(0, 1, 1, 101), served(1, 1, 102, 201)])
    log = log_of([listening(2), served(0, 1, 1, 101), served(1, 1, 102, 201), STOPPED])
    found = analyse(dataclasses.replace(told, log=log)).measures
    assert found["idle_while_waiting"] == pytest.approx(0.1)
    assert found["fairness_messages"] == pytest.approx(0.5)
    alone = analyse(told).measures  # one worker, idle for a millisecond between
    assert alone["idle_while_waiting"] == pytest.approx(0.001)
