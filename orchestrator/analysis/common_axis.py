"""One time axis for a run whose clients and server had different clocks: that of the server.

The offset of each client clock is estimated from the messages of its replicas, and their instants
are moved by it, so that waits from an instant of a client to one of the server can be computed.
They have the error of the estimate; times between two instants of one side do not.

What the orchestrator recorded, such as the instants of faults, is of its own clock. If that is not
the server's, it is moved so that the start of the load agrees, which the start barrier announced to
the orchestrator and to each replica on their own clocks.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from labkit.clock import Clock
from orchestrator.analysis.clock_offset import (
    ClockOffset,
    Exchanges,
    Instants,
    NoExchangeError,
    OffsetError,
    fit_offset,
)
from orchestrator.analysis.clocks import server_clocks
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.join import Merged
from orchestrator.results.client_samples import ACKED, ClientRun, Replica
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.tables import Table

CONNECTION_OF_CLIENT = ("begun_ns", "connected_ns", "ended_ns")
REQUEST_OF_CLIENT = (*CONNECTION_OF_CLIENT, "due_ns", "sent_ns", "first_byte_ns")
FOUR_INSTANTS = ("sent_ns", "received_ns", "finished_ns", "ended_ns")
BARRIER_ERROR_NS = 100_000_000
"""How much earlier the lab is taken to have stopped the server if its clock is another one."""

Move = Callable[[Instants], Instants]
"""Returns instants of one clock on another one."""


@dataclass(frozen=True)
class CommonAxis:
    """A run whose clients had other clocks than its server.

    ``merged`` has the instants of both sides as recorded; ``offsets`` are those of each client
    clock, with the numbers of its replicas.
    """

    evidence: Evidence
    merged: Merged
    offsets: tuple[tuple[ClockOffset, tuple[int, ...]], ...]

    @property
    def bound_ns(self) -> int:
        """The largest error of an instant of a client on the server's clock."""
        return max(offset.bound_ns for offset, _ in self.offsets)

    @property
    def apart_s(self) -> float:
        """The largest error between instants of two clients, in s; 0 if they have one clock."""
        return 2 * self.bound_ns / 1e9 if len(self.offsets) > 1 else 0.0

    def on_server_clock(self, shift_ns: int = 0) -> tuple[Evidence, Merged]:
        """Return the run with all instants on the server's clock.

        Those of clients are ``shift_ns`` later than estimated.
        """
        evidence, merged = self._moved(
            lambda offset: lambda instants: offset.to_server(instants) + shift_ns
        )
        return replace(evidence, clock_bound_ns=self.bound_ns), merged

    def with_equal_starts(self) -> tuple[Evidence, Merged]:
        """Return the run with the instants of each client moved by the offset at its start.

        So times between two instants of a client are exactly those of its own clock; a drift since
        the start is left in.
        """
        return self._moved(lambda offset: lambda instants: instants + offset.offset_ns)

    def notes(self) -> Iterator[str]:
        """Yield the offset of each clock, with its error."""
        for offset, numbers in self.offsets:
            yield (
                f"the server's clock was {offset.offset_ns / 1e9:.6f} s ahead of that of "
                f"{_named(numbers)} at the start, drift {offset.drift * 1e6:.3g} ppm, within "
                f"±{offset.bound_ns / 1e3:.0f} us; instants are on the server's clock"
            )

    def _moved(self, move_of: Callable[[ClockOffset], Move]) -> tuple[Evidence, Merged]:
        moves = [(move_of(offset), numbers) for offset, numbers in self.offsets]
        by_replica = {number: move for move, numbers in moves for number in numbers}
        recorded = self.evidence.clients
        starts_ns = [
            _one(by_replica[each.number], each.start_ns or recorded.start_ns)
            for each in recorded.replicas
        ]
        clients = replace(
            recorded,
            replicas=tuple(_replica(each, by_replica[each.number]) for each in recorded.replicas),
            start_ns=min(starts_ns),
        )
        requests = _table(self.merged.requests, REQUEST_OF_CLIENT, moves)
        connections = _table(self.merged.connections, CONNECTION_OF_CLIENT, moves)
        _sort(requests, "sent_ns")
        _sort(connections, "begun_ns")
        return _with_lab(self.evidence, clients), Merged(requests, connections)


def common_axis(evidence: Evidence, merged: Merged) -> CommonAxis | None:
    """Return the axis of a run on several hosts, None if it had one clock only.

    ``merged`` are the messages and connections, with the instants of both sides as recorded.

    Raises:
        OffsetError: the offset of a client's clock cannot be estimated.
    """
    replicas = evidence.clients.replicas
    if evidence.is_one_host or not replicas or _have_one_clock(evidence):
        return None
    if not evidence.has_event_log:
        raise NoExchangeError("the server writes no event log, so nothing relates the clocks")
    groups: dict[Clock | int, list[Replica]] = {}
    for each in replicas:
        groups.setdefault(each.clock or each.number, []).append(each)
    offsets = [
        (_offset(members, merged), tuple(each.number for each in members))
        for members in groups.values()
    ]
    return CommonAxis(evidence, merged, tuple(offsets))


def _have_one_clock(evidence: Evidence) -> bool:
    """Return whether all programs that recorded instants report the same clock."""
    clocks: set[Clock | None] = {each.clock for each in evidence.clients.replicas}
    if evidence.has_event_log:
        clocks |= {*server_clocks(evidence.log)} or {None}
    return len(clocks) == 1 and None not in clocks


def _offset(members: Sequence[Replica], merged: Merged) -> ClockOffset:
    """Return the offset of the server's clock to that of ``members``, from their messages."""
    numbers = [each.number for each in members]
    own = merged.requests[np.isin(merged.requests["replica"], numbers)]
    whole = own[(own["outcome"] == ACKED) & (own["finished_ns"] > 0)]
    instants = (whole[each].astype(np.int64) for each in FOUR_INSTANTS)
    connections = merged.connections[np.isin(merged.connections["replica"], numbers)]
    try:
        return fit_offset(Exchanges(*instants), _span_ns(members, own, connections))
    except OffsetError as exc:
        raise type(exc)(f"{_named(numbers)}: {exc}") from exc


def _named(numbers: Sequence[int]) -> str:
    more = len(numbers) - 1
    return f"replica {numbers[0]}" + (f" and {more} more" if more else "")


def _span_ns(members: Sequence[Replica], requests: Table, connections: Table) -> tuple[int, int]:
    """Return the first and the last instant of ``members`` on their own clock."""
    begins = [each.start_ns or each.begun_ns for each in members]
    ends = [each.end_ns for each in members]
    for table, begin in ((requests, "due_ns"), (connections, "begun_ns")):
        if len(table):
            begins.append(int(table[begin].min()))
            ends.append(int(table["ended_ns"].max()))
    return min(begins), max(ends)


def _table(
    table: Table, columns: Sequence[str], moves: Sequence[tuple[Move, Sequence[int]]]
) -> Table:
    """Return ``table`` with the client's ``columns`` moved; 0, which is no instant, stays."""
    moved = table.copy()
    for move, numbers in moves:
        rows = np.flatnonzero(np.isin(table["replica"], numbers))
        for column in columns:
            at_ns = table[column][rows].astype(np.int64)
            moved[column][rows] = np.where(at_ns > 0, move(at_ns).clip(min=1), 0)
    return moved


def _sort(table: Table, by: str) -> None:
    """Sort the rows in place, a column at a time, since a table may be large."""
    order = np.argsort(table[by], kind="stable")
    for column in table.dtype.names or ():
        table[column] = table[column][order]


def _replica(replica: Replica, move: Move) -> Replica:
    return replace(
        replica, begun_ns=_one(move, replica.begun_ns), end_ns=_one(move, replica.end_ns)
    )


def _one(move: Move, instant_ns: int) -> int:
    return int(move(np.array([instant_ns], np.int64))[0]) if instant_ns else 0


def _with_lab(evidence: Evidence, clients: ClientRun) -> Evidence:
    """Return ``evidence`` with ``clients``, and what the orchestrator recorded on the same axis."""
    clocks = server_clocks(evidence.log)
    if evidence.lab_clock is not None and evidence.lab_clock in clocks:
        return replace(evidence, clients=clients)
    later_ns = clients.start_ns - evidence.clients.start_ns
    stop_ns = evidence.stop_asked_ns
    return replace(
        evidence,
        clients=clients,
        faults=tuple(_fault(each, later_ns) for each in evidence.faults),
        stop_asked_ns=None if stop_ns is None else stop_ns + later_ns - BARRIER_ERROR_NS,
        server_ends_ns=tuple(each + later_ns for each in evidence.server_ends_ns),
    )


def _fault(fault: FaultRecord, later_ns: int) -> FaultRecord:
    instants = ("effect_ns", "ending_ns", "reverted_ns")
    known = {name: at_ns for name in instants if (at_ns := getattr(fault, name)) is not None}
    moved = {name: at_ns + later_ns for name, at_ns in known.items()}
    return replace(fault, asked_ns=fault.asked_ns + later_ns, **moved)
