"""What took place in one case, in the twin or on the machine, and what can be asked about it."""

from dataclasses import dataclass

import numpy as np

from orchestrator.analysis.statistics import peak_overlap
from orchestrator.campaign.evaluate_run import MeasuredRun
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case
from orchestrator.twin.parameters import NONE
from orchestrator.twin.predict import discipline_of
from orchestrator.twin.simulate import simulate, sources_of

ROW = np.dtype(
    [(name, "<i8") for name in ("group", "user", "message", "due_ns", "started_ns", "ended_ns")]
)
"""A message; instants are in ns from the start of the load, ``group`` and ``user`` from 0."""

CPUS = 2.0
"""Of the twin's machine. No message of a problem computes, so their number decides nothing."""

NO_END_NS = 2**62
DELAYED_NS = 500_000_000
"""A connect that takes longer was refused a place in the accept queue: the kernel of the client
sends its SYN again after 1 s (RFC 6298), and any other connect takes a millisecond."""


@dataclass(frozen=True)
class Observed:
    """The messages of one case, as rows of `ROW`, and how many connects found a full backlog.

    The user of an arrival is its number.
    """

    messages: Table
    left_out: int

    def makespan_s(self) -> float:
        """Return when the last message is answered."""
        return float(self.messages["ended_ns"].max()) / 1e9

    def throughput_per_s(self) -> float:
        """Return the messages per second, from the start to the last ack."""
        return len(self.messages) / self.makespan_s()

    def first_response_s(self, user: int) -> float:
        """Return the response time of the first message of ``user``, from 0."""
        first = self._first_of_each()
        (row,) = first[first["user"] == user]
        return float(row["ended_ns"] - row["due_ns"]) / 1e9

    def wait_s(self, user: int) -> float:
        """Return how long the first message of ``user`` waits until its service starts."""
        first = self._first_of_each()
        (row,) = first[first["user"] == user]
        return float(row["started_ns"] - row["due_ns"]) / 1e9

    def longest_wait(self) -> int:
        """Return the user whose first message waits longest until its service starts."""
        first = self._first_of_each()
        waits_ns = first["started_ns"] - first["due_ns"]
        return int(first["user"][int(waits_ns.argmax())])

    def answered_after(self, group: int, other: int) -> int:
        """Return how many users of ``group`` get their first ack after the last of ``other``."""
        first = self._first_of_each()
        end_ns = self.messages["ended_ns"][self.messages["group"] == other].max()
        is_late = (first["group"] == group) & (first["ended_ns"] > end_ns)
        return int(np.count_nonzero(is_late))

    def _first_of_each(self) -> Table:
        """Return the first message of each user."""
        order = np.lexsort((self.messages["due_ns"], self.messages["user"], self.messages["group"]))
        rows = self.messages[order]
        keys = np.stack((rows["group"], rows["user"]), axis=1)
        return rows[np.unique(keys, axis=0, return_index=True)[1]]


def observe_twin(case: Case) -> Observed:
    """Simulate ``case`` without overhead.

    Raises:
        NoTwinError: its model has no twin.
    """
    discipline = discipline_of(case, discover_twins(), CPUS)
    found = simulate(sources_of(case), discipline, NONE, NO_END_NS)
    connections = found.connections[found.messages["connection"]]
    table = np.zeros(len(found.messages), ROW)
    for column in ("message", "due_ns", "started_ns", "ended_ns"):
        table[column] = found.messages[column]
    for column in ("group", "user"):
        table[column] = connections[column]
    accepted = found.connections[found.connections["accepted_ns"] >= 0]
    queued = peak_overlap(accepted["connected_ns"], accepted["accepted_ns"])
    places = int(case.inputs()["backlog"]) + 1  # the kernel's queue holds one more than its length
    return Observed(table, max(int(queued) - places, 0))


class LostMessagesError(ValueError):
    """Not every message of a run was answered; the message says how many were."""


def observe_run(case: Case, measured: MeasuredRun) -> Observed:
    """Return what took place in a run of ``case``.

    Raises:
        LostMessagesError: not every message was answered.
    """
    requests = measured.analysis.merged.messages
    acked = int(np.count_nonzero(requests["outcome"] == ACKED))
    planned = sum(each or 0 for each in case.planned().values())
    if acked != planned:
        raise LostMessagesError(f"{acked} of {planned} messages were answered")
    start_ns = measured.evidence.clients.start_ns
    table = np.zeros(len(requests), ROW)
    for column in ("group", "message"):
        table[column] = requests[column]
    for column in ("due_ns", "started_ns", "ended_ns"):
        table[column] = requests[column].astype(np.int64) - start_ns
    is_arrival = np.isin(requests["group"], [n for n, g in enumerate(case.groups) if g.is_open])
    table["user"] = np.where(is_arrival, requests["message"], requests["user"])
    connections = measured.analysis.merged.connections
    connect_ns = connections["connected_ns"].astype(np.int64) - connections["begun_ns"]
    return Observed(table, int(np.count_nonzero(connect_ns > DELAYED_NS)))
