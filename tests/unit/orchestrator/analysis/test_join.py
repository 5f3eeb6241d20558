import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.wire.samples import FAILURES
from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.join import find_sent, find_served, merge
from orchestrator.measures.bounds import AtLeast
from orchestrator.results.tables import NOWHERE
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    Sent,
    accepted,
    at,
    connection,
    evidence,
    replica,
    served,
)


def test_connected_is_not_accepted() -> None:
    rows = [connection(0, 0.2), connection(1, 0.3), connection(2, None)]
    told = evidence(
        [replica(0, [Sent(0, 1, 101)], connections=rows, errors=_errors(refused=1))],
        [accepted("0.0", 1, 5.2, rows[0].port), served(0, 1, 6, 101)],
    )
    found = analyse(told)
    assert found.measures["connected"] == 2
    assert found.measures["never_accepted"] == 1
    assert found.measures["accept_wait_max"] == pytest.approx(0.005)
    assert found.measures["connect_time_p50"] == pytest.approx(0.0002)
    assert isinstance(found.measures["connect_time_max"], AtLeast)  # that of the refused one
    assert found.merged.connections["accepted_ns"].tolist() == [at(5.2), 0, 0]
    assert found.merged.requests["accepted_ns"].tolist() == [at(5.2)]
    assert found.inconsistencies == []


def test_a_connection_that_asked_nothing_is_known_by_its_port() -> None:
    rows = [connection(0), connection(1)]
    told = evidence(
        [replica(0, [Sent(0, 1, 101)], connections=rows)],
        [accepted("x", 1, 7, rows[1].port), accepted("0.0", 1, 5, rows[0].port),
         served(0, 1, 6, 101)],
    )  # fmt: skip
    assert analyse(told).merged.connections["accepted_ns"].tolist() == [at(5), at(7)]


def _errors(**counts: int) -> dict[str, int]:
    return dict.fromkeys(FAILURES, 0) | counts


def test_a_request_is_joined_by_replica_user_and_message() -> None:
    """Both replicas have a user 0, so the user alone does not identify a request."""
    run = evidence(
        [replica(0, [Sent(0, 1, 50)]), replica(1, [Sent(0, 2, 90)])],
        [served(0, 2, 60, 80, replica=1), served(0, 1, 10, 40)],
    )
    found = merge(run.clients, run.log).requests
    assert found["replica"].tolist() == [0, 1]
    assert found["worker"].tolist() == [1, 2]
    assert found["started_ns"].tolist() == [at(10), at(60)]


def test_requests_are_in_the_order_sent_and_connections_in_the_order_begun() -> None:
    late, early = connection(0), connection(1)
    late = late._replace(begun_ns=at(3))
    run = evidence([replica(0, [Sent(0, 7, 50), Sent(1, 2, 90)], connections=[late, early])], [])
    found = merge(run.clients, run.log)
    assert found.requests["user"].tolist() == [1, 0]
    assert found.connections["user"].tolist() == [1, 0]


def test_what_the_server_did_not_log_is_0() -> None:
    run = evidence([replica(0, [Sent(0, 1, 101), Sent(1, 1, 201)])], [served(0, 1, 1, 101)])
    found = merge(run.clients, run.log).requests
    of_user = dict(zip(found["user"].tolist(), found["finished_ns"].tolist(), strict=True))
    assert of_user == {0: at(101), 1: 0}
    assert NOWHERE in find_served(found, run.log)


def test_a_served_request_that_no_client_sent_is_found() -> None:
    run = evidence([replica(0, [Sent(0, 1, 101)])], [served(0, 1, 1, 101), served(5, 1, 1, 101)])
    found = merge(run.clients, run.log).requests
    assert (find_sent(found, run.log) == NOWHERE).tolist() == [False, True]


@pytest.mark.parametrize(("is_proxied", "expected"), [(False, [at(7)]), (True, [0])])
def test_a_port_identifies_no_connection_behind_a_proxy(
    is_proxied: bool, expected: list[int]
) -> None:
    rows = [connection(0)]
    run = evidence([replica(0, [], connections=rows)], [accepted("x", 1, 7, rows[0].port)])
    found = merge(run.clients, run.log, is_proxied=is_proxied)
    assert found.connections["accepted_ns"].tolist() == expected


def test_a_port_that_two_connections_used_identifies_neither() -> None:
    rows = [connection(0, port=5000), connection(1, port=5000), connection(2, port=6000)]
    run = evidence(
        [replica(0, [], connections=rows)],
        [accepted("x", 1, 7, 5000), accepted("y", 1, 8, 6000)],
    )
    found = merge(run.clients, run.log).connections
    assert found["accepted_ns"].tolist() == [0, 0, at(8)]


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
@settings(max_examples=25)
def test_the_order_of_the_server_s_log_does_not_matter(order: list[int], logged: set[int]) -> None:
    sent = [Sent(user, 1 + user, 100 + user) for user in range(6)]
    events = [served(user, 1 + user % 2, 10 + user, 90) for user in order if user in logged]
    run = evidence([replica(0, sent)], events)
    found = merge(run.clients, run.log).requests
    expected = [at(10 + user) if user in logged else 0 for user in range(6)]
    assert found["started_ns"].tolist() == expected
    assert np.count_nonzero(found["worker"]) == len(logged)
