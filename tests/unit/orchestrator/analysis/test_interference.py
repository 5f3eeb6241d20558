"""What a stranger did to the server is a doubt; what a fault or the lab did is none."""

import dataclasses
from typing import Any

import pytest

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.interference import crowd_of, find_interference
from orchestrator.results.client_samples import LostReplica
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.server_log import Event
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    STOPPED,
    Sent,
    accepted,
    at,
    connection,
    evidence,
    listening,
    replica,
)

OWN = [accepted("1.1", 1, 1, port=40_000), accepted("1.2", 1, 2, port=40_001)]
STRANGER = accepted("1.3", 1, 3, port=50_000)
CLIENTS = [replica(0, [Sent(0, 1, 101), Sent(1, 1, 201)])]


def found(*events: Event, **changes: Any) -> list[str]:  # noqa: ANN401 any field
    told = evidence(CLIENTS, events)
    return list(
        find_interference(dataclasses.replace(told, **{"stop_asked_ns": at(800), **changes}))
    )


def drain(t_ms: float, **fields: object) -> Event:
    return {"event": "drain_begun", "t_ns": at(t_ms), "signal": "SIGTERM", **fields}


def ended(t_ms: float, worker: int = 2) -> Event:
    return {"event": "worker_exited", "t_ns": at(t_ms), "index": worker, "reason": "signal 9",
            "peak_memory_bytes": 1}  # fmt: skip


def fault(kind: str, asked_ms: float, reverted_ms: float | None = None, **more: Any) -> FaultRecord:  # noqa: ANN401 any field
    reverted_ns = None if reverted_ms is None else at(reverted_ms)
    return FaultRecord(kind, at(asked_ms), at(asked_ms + 1), None, reverted_ns, error="", **more)


def test_a_quiet_run_has_none() -> None:
    assert found(*OWN, drain(850)) == []


def test_connections_of_strangers_are_counted() -> None:
    (doubt,) = found(*OWN, STRANGER, {**STRANGER, "conn": "1.4"})
    assert doubt == (
        "2 connections reached the server that no client of this run opened: "
        "it accepted 4 and reset 0 unaccepted, the clients opened 2"
    )


def test_a_stranger_is_found_by_its_port_though_a_client_was_never_accepted() -> None:
    (doubt,) = found(OWN[0], STRANGER)
    assert doubt.startswith("1 connection reached the server that no client of this run opened")


def test_a_stranger_that_waits_in_the_accept_queue_is_found_by_its_reset() -> None:
    assert len(found(*OWN, drain(850, accept_queue_reset=1))) == 1
    assert found(OWN[0], drain(850, accept_queue_reset=1)) == []  # the second client's own


def test_behind_a_proxy_connections_are_counted_without_ports() -> None:
    toxic = (fault("latency", 1, 100),)
    proxied = [{**each, "peer": "127.0.0.1:60000"} for each in OWN]
    assert found(*proxied, faults=toxic) == []
    assert len(found(*proxied, STRANGER, faults=toxic)) == 1


def test_a_connection_that_timed_out_at_the_client_may_have_been_accepted() -> None:
    """Its port is unknown, since it was never established for the client."""
    clients = [replica(0, [], connections=[connection(0, None)._replace(port=0)])]
    told = evidence(clients, [accepted("1.1", 1, 900, port=41_000)], stop_asked_ns=at(800))
    assert list(find_interference(told)) == []


def test_two_replicas_may_use_the_same_port() -> None:
    clients = [replica(number, [Sent(0, 1, 101)]) for number in (0, 1)]
    same = [OWN[0], {**OWN[0], "conn": "1.9"}]
    assert list(find_interference(evidence(clients, same, stop_asked_ns=at(800)))) == []


def test_connections_of_the_lab_itself_are_no_strangers() -> None:
    assert found(*OWN, STRANGER, connections_of_lab=1) == []
    crowd = (fault("pause", 1), fault("fill-backlog", 2), FaultRecord("fill-backlog", at(3)))
    assert crowd_of(crowd, [0, 7, 9]) == 7
    by_hand = dataclasses.replace(crowd[1], crowd=5, is_by_hand=True)
    assert crowd_of((*crowd, by_hand), [0, 7, 9]) == 12


def test_nothing_is_said_of_strangers_if_a_replica_was_lost() -> None:
    lost = LostReplica(1, "clients", "here", "it hung", 5)
    told = evidence(CLIENTS, [*OWN, STRANGER], lost=[lost], stop_asked_ns=at(800))
    assert list(find_interference(told)) == []


def test_a_drain_that_nobody_asked_for_is_named_with_its_instant() -> None:
    assert found(*OWN, drain(500)) == [
        "the server began to drain on 'SIGTERM' at 0.500 s: no fault asked for that, "
        "nor did the lab stop it"
    ]


@pytest.mark.parametrize("kind", ["terminate", "kill"])
def test_a_drain_that_a_fault_asked_for_is_none_but_one_after_its_end_is(kind: str) -> None:
    again = (drain(300), {**STOPPED, "t_ns": at(310)}, {**listening(), "t_ns": at(390)})
    assert found(*again, faults=(fault(kind, 299, 400),)) == []
    assert len(found(*again, drain(500), faults=(fault(kind, 299, 400),))) == 1
    assert len(found(*again, faults=(fault(kind, 350, 400),))) == 1  # it was before the fault
    failed = FaultRecord(kind, at(299), error="it had gone")
    assert len(found(*again, faults=(failed,))) == 1


def test_a_server_that_stopped_without_a_drain() -> None:
    told = evidence(CLIENTS, OWN, stop_asked_ns=at(950))  # it logged stopped at 900 ms
    assert list(find_interference(told)) == [
        "the server stopped at 0.900 s, for which no fault asked"
    ]


def test_a_program_that_had_ended_is_named_even_without_a_log() -> None:
    expected = "the server ended at 0.200 s: no fault asked for that, nor did the lab stop it"
    assert found(has_event_log=False, server_ends_ns=(at(200),)) == [expected]
    killed = (fault("kill", 199),)
    assert found(has_event_log=False, server_ends_ns=(at(200),), faults=killed) == []
    assert found(has_event_log=False, server_ends_ns=(at(801),)) == []


def test_a_worker_that_somebody_killed_is_named_and_one_that_a_fault_killed_is_not() -> None:
    kill = fault("kill-worker", 400, worker=2)
    assert found(*OWN, ended(500), drain(850), ended(860, 1)) == [
        "worker 2 ended (signal 9) at 0.500 s: no fault killed it"
    ]
    assert found(*OWN, ended(500), faults=(kill,)) == []
    assert len(found(*OWN, ended(500), ended(600), faults=(kill,))) == 1
    assert len(found(*OWN, ended(500, worker=1), faults=(kill,))) == 1
    assert found(*OWN, {**ended(500), "reason": "connection ended"}) == []


def test_results_of_older_versions_know_that_the_clients_ended_before_the_server() -> None:
    told: Evidence = evidence(CLIENTS, [drain(850)])
    assert list(find_interference(told)) == []


def test_workers_that_somebody_had_replaced_are_named_and_a_fault_that_asked_explains_it() -> None:
    left = {**ended(510), "reason": "reload"}
    begun = {"event": "reload_begun", "t_ns": at(500)}
    again = {**begun, "t_ns": at(700)}
    unasked = "the server began to replace its workers at {} s: no fault asked for that"
    assert found(*OWN, begun, left) == [unasked.format("0.500")]
    asked = fault("reload", 499)
    assert found(*OWN, begun, left, faults=(asked,)) == []
    assert found(*OWN, begun, left, again, faults=(asked,)) == [unasked.format("0.700")]
    assert len(found(*OWN, begun, left, faults=(fault("reload", 501),))) == 1
