"""Runs whose clients had another clock than the server, analysed beside the same with one clock."""

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest

from labkit.clock import Clock
from orchestrator.analysis.analyse import UNRELATED, Analysis, analyse
from orchestrator.analysis.common_axis import common_axis
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.join import merge
from orchestrator.measures.bounds import Within, error_of
from orchestrator.results.client_samples import Replica, StoredTable
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.server_log import Event, log_of
from orchestrator.results.summary import ReasonKind
from orchestrator.results.tables import Table
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    MS,
    START_NS,
    STOPPED,
    Sent,
    accepted,
    at,
    connection,
    evidence,
    listening,
    replica,
    served,
)

DAY_NS = 86_400_000_000_000
SERVER = Clock("b00t", 0)
AHEAD = Clock("b00t", DAY_NS)
MESSAGES = 40
BEGUN: Event = {**listening(2), "clock": asdict(SERVER)}
TO_SERVER_MS, BACK_MS = 0.2, 0.3


def a_run(*clocks: Clock, server_drift: float = 0.0, **changes: Any) -> Evidence:  # noqa: ANN401
    """Return a run of two workers, each serving the messages of one replica, 10 ms each."""
    replicas, events = [], list[Event]()
    for number, clock in enumerate(clocks):
        events.append(accepted(f"{number}.0", number + 1, 0.5, 40_000 + number))
        sent = [
            Sent(0, 1 + 12 * m, 1 + 12 * m + TO_SERVER_MS + 10 + BACK_MS, message=m,
                 due_ms=1 + 12 * m)
            for m in range(MESSAGES)
        ]  # fmt: skip
        for m, each in enumerate(sent):
            begun_ms = each.sent_ms + TO_SERVER_MS
            event = served(0, number + 1, begun_ms, begun_ms + 10, number)
            events.append({**event, "request": f"r{number}.c0.m{m}"})
        replicas.append(
            replica(
                number, sent, clock=clock, start_ns=START_NS,
                connections=[connection(0, 0.4, 40_000 + number)],
            )
        )  # fmt: skip
    events = [BEGUN, *(drifted(each, server_drift) for each in events), STOPPED]
    fields = {"log": log_of(events), "lab_clock": SERVER, **changes}
    return evidence(replicas, [], **fields)


def drifted(event: Event, drift: float) -> Event:
    """Return ``event`` on a server whose clock drifts from the start on."""
    return {
        name: value + round((value - START_NS) * drift) if name.endswith("_ns") else value
        for name, value in event.items()
    }


def shifted(table: Table | StoredTable, offset_ns: int, drift: float) -> Table:
    """Return ``table`` with its instants on a clock that is ahead, and drifts from the start on."""
    assert isinstance(table, np.ndarray)
    moved = table.copy()
    for column in table.dtype.names or ():
        if column.endswith("_ns"):
            at_ns = table[column].astype(np.int64)
            since_ns = np.rint((at_ns - START_NS) * drift).astype(np.int64)
            moved[column] = np.where(at_ns > 0, at_ns + offset_ns + since_ns, 0)
    return moved


def on_own_clock(each: Replica, offset_ns: int, drift: float = 0.0) -> Replica:
    """Return what a replica reports whose clock is ``offset_ns`` ahead of the server's."""
    since_ns = round((each.end_ns - START_NS) * drift)
    return replace(
        each,
        begun_ns=each.begun_ns + offset_ns,
        end_ns=each.end_ns + offset_ns + since_ns,
        start_ns=START_NS + offset_ns,
        messages=shifted(each.messages, offset_ns, drift),
        connections=shifted(each.connections, offset_ns, drift),
    )


def several_hosts(found: Evidence, offsets_ns: Sequence[int], drift: float = 0.0) -> Evidence:
    """Return the run with the replicas on hosts whose clocks are ahead by these offsets."""
    moved = [
        on_own_clock(each, offset_ns, drift)
        for each, offset_ns in zip(found.clients.replicas, offsets_ns, strict=True)
    ]
    return replace(found, clients=replace(found.clients, replicas=tuple(moved)), is_one_host=False)


def figures(found: Analysis) -> dict[str, float | None]:
    groups = {f"{g}.{name}": v for g, each in found.groups.items() for name, v in each.items()}
    return {**found.measures, **groups}


@pytest.mark.parametrize("is_one_host", [True, False])
def test_a_run_with_one_clock_is_untouched(is_one_host: bool) -> None:
    told = a_run(SERVER, SERVER)
    found = analyse(replace(told, is_one_host=is_one_host))
    assert figures(found) == figures(analyse(told))
    assert not any(map(error_of, figures(found).values()))
    assert found.evidence.clients is told.clients
    assert found.notes == ()


@pytest.mark.parametrize("drift", [0.0, 50e-6, -50e-6])
def test_clients_a_day_ahead_give_the_same_figures_within_their_errors(drift: float) -> None:
    told = a_run(SERVER, SERVER)
    ahead = a_run(AHEAD, Clock("0ther", 0))
    truth, found = analyse(told), analyse(several_hosts(ahead, [DAY_NS, -7 * MS], drift))
    assert found.inconsistencies == []
    for name, value in figures(truth).items():
        mine = figures(found)[name]
        if value is None:
            assert mine is None, name
        else:
            assert mine is not None, name
            allowed = error_of(mine) + abs(drift * value) * 2 + 1e-6 * abs(value) + 1e-8
            assert abs(mine - value) <= allowed, (name, mine, value, error_of(mine))


def test_waits_between_two_clocks_have_an_error_and_times_of_one_side_have_none() -> None:
    found = analyse(several_hosts(a_run(AHEAD, AHEAD), [DAY_NS, DAY_NS])).measures
    half_round_trip_s = (TO_SERVER_MS + BACK_MS) / 2 / 1e3
    for name in ("waiting_time_mean", "first_service_wait_max", "time_in_answer", "time_in_unread"):
        assert half_round_trip_s <= error_of(found[name]) <= 2 * half_round_trip_s, name
    for name in ("makespan", "response_time_max", "throughput", "time_in_service", "start_spread",
                 "peak_in_service", "utilization", "acked"):  # fmt: skip
        assert not isinstance(found[name], Within), name


@pytest.mark.parametrize("server_drift", [50e-6, -50e-6])
def test_times_of_one_client_are_exactly_those_of_its_own_clock(server_drift: float) -> None:
    """A drift of the server against it does not change them by a nanosecond."""
    truth = analyse(a_run(SERVER)).measures
    told = a_run(AHEAD, server_drift=server_drift)
    found = analyse(several_hosts(told, [DAY_NS])).measures
    for name in ("makespan", "throughput", "response_time_mean", "exchange_time_max"):
        assert found[name] == truth[name]


def test_the_spread_of_starts_on_two_clocks_has_the_error_of_both() -> None:
    """To move all clients together would not show it."""
    told = a_run(AHEAD, Clock("0ther", 0))
    told = several_hosts(told, [DAY_NS, 0])
    axis = common_axis(told, merge(told.clients, told.log))
    assert axis is not None
    assert error_of(analyse(told).measures["start_spread"]) == 2 * axis.bound_ns / 1e9


def test_the_lab_of_another_clock_is_moved_by_the_start() -> None:
    """Its faults keep their distance from the start of the load."""
    fault = FaultRecord("pause", asked_ns=at(100), effect_ns=at(101), ending_ns=at(150))
    lab_ns = 5 * DAY_NS
    of_lab = replace(
        fault, asked_ns=fault.asked_ns + lab_ns, effect_ns=at(101) + lab_ns,
        ending_ns=at(150) + lab_ns,
    )  # fmt: skip
    told = several_hosts(a_run(AHEAD, lab_clock=Clock("laptop", 0)), [DAY_NS])
    told = replace(
        told,
        clients=replace(told.clients, start_ns=START_NS + lab_ns),
        faults=(of_lab,),
        stop_asked_ns=at(890) + lab_ns,
    )
    found = analyse(told).evidence
    assert found.clients.start_ns == pytest.approx(START_NS, abs=1 * MS)
    moved_ns = found.clients.start_ns - START_NS
    (moved,) = found.faults
    assert (moved.asked_ns, moved.effect_ns, moved.ending_ns, moved.reverted_ns) == (
        at(100) + moved_ns, at(101) + moved_ns, at(150) + moved_ns, None,
    )  # fmt: skip
    assert found.stop_asked_ns is not None
    assert found.stop_asked_ns < at(890)


def test_faults_recorded_on_the_server_s_clock_are_left_as_they_are() -> None:
    fault = FaultRecord("pause", asked_ns=at(100), effect_ns=at(101), ending_ns=at(150))
    told = several_hosts(a_run(AHEAD, faults=(fault,), stop_asked_ns=at(890)), [DAY_NS])
    found = analyse(told).evidence
    assert found.faults == (fault,)
    assert found.stop_asked_ns == at(890)


def test_a_replica_that_knows_no_clock_is_estimated_by_its_own_messages() -> None:
    told = several_hosts(a_run(AHEAD, AHEAD), [DAY_NS, 0])
    first, second = told.clients.replicas
    told = replace(
        told, clients=replace(told.clients, replicas=(first, replace(second, clock=None)))
    )
    axis = common_axis(told, merge(told.clients, told.log))
    assert axis is not None
    (of_first, _), (of_second, _) = axis.offsets
    assert abs(of_first.offset_ns + DAY_NS) <= of_first.bound_ns
    assert abs(of_second.offset_ns) <= of_second.bound_ns


def test_clocks_that_no_line_relates_make_the_run_invalid_by_name() -> None:
    told = several_hosts(a_run(AHEAD), [DAY_NS])
    (only,) = told.clients.replicas
    assert isinstance(only.messages, np.ndarray)
    messages = only.messages.copy()
    for column in ("due_ns", "sent_ns", "first_byte_ns", "ended_ns"):
        messages[column][MESSAGES // 2 :] += 50 * MS  # its clock was stepped
    stepped = replace(only, messages=messages, end_ns=only.end_ns + 50 * MS)
    found = analyse(replace(told, clients=replace(told.clients, replicas=(stepped,))))
    first = found.inconsistencies[0]
    assert first.kind is ReasonKind.OTHER_CLOCK
    assert first.text.startswith(f"{UNRELATED}, replica 0: no offset and drift of the clocks agree")


def test_a_server_without_an_event_log_cannot_be_related_to_clients_of_several_clocks() -> None:
    told = several_hosts(a_run(AHEAD, SERVER), [DAY_NS, 0])
    told = replace(told, has_event_log=False, log=log_of([]))
    reasons = [each.text for each in analyse(told).inconsistencies]
    assert f"{UNRELATED}, the server writes no event log, so nothing relates the clocks" in reasons


def test_a_note_says_how_far_each_clock_was_ahead() -> None:
    (note,) = analyse(several_hosts(a_run(AHEAD, AHEAD), [-DAY_NS, -DAY_NS])).notes
    said = re.match(
        r"the server's clock was ([0-9.]+) s ahead of that of replica 0 and 1 more", note
    )
    assert said is not None
    assert float(said[1]) == pytest.approx(86_400, abs=0.001)
    assert note.endswith(" us; instants are on the server's clock")
