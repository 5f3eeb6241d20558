"""The one registry of what an expectation may name: what a case sets and what a run measures.

A measure has one name for people, one dimension and one key in ``summary.json``, where a bare
number carries its unit. Adding a measure is adding a line here and computing it in the analysis.
"""

from dataclasses import dataclass
from typing import Literal

from orchestrator.dimensions import COUNT, RATE, SIZE, TIME, Dimension

_SUFFIXES = {COUNT: "", TIME: "_s", SIZE: "_bytes", RATE: "_per_s"}


@dataclass(frozen=True)
class Measure:
    """A number that an expectation may name; ``input`` is configured, ``measured`` is observed."""

    name: str
    dimension: Dimension
    meaning: str
    kind: Literal["input", "measured"] = "measured"

    @property
    def key(self) -> str:
        """The key in ``summary.json``: the name with its unit, ``makespan_s``."""
        return self.name + _SUFFIXES[self.dimension]


def _input(name: str, dimension: Dimension, meaning: str) -> Measure:
    return Measure(name, dimension, meaning, "input")


_REGISTRY = (
    _input("users", COUNT, "connections in all, each waiting for its ack before it sends again"),
    _input("replicas", COUNT, "client replicas that share the users"),
    _input("messages", COUNT, "messages that each user sends"),
    _input("workers", COUNT, "processes or threads that serve; 1 for a model without a pool"),
    _input("backlog", COUNT, "argument of listen"),
    _input("service_time", TIME, "demand of one message, or the server's default"),
    _input("think_time", TIME, "pause of a user between an ack and its next message"),
    Measure("makespan", TIME, "from the common start to the last ack or failure"),
    Measure("throughput", RATE, "acks per second of makespan"),
    Measure("response_time_mean", TIME, "mean time from due to acked"),
    Measure("response_time_p50", TIME, "median time from due to acked"),
    Measure("response_time_p90", TIME, "90th percentile of the time from due to acked"),
    Measure("response_time_p99", TIME, "99th percentile of the time from due to acked"),
    Measure("response_time_max", TIME, "longest time from due to acked"),
    Measure("first_service_wait_p50", TIME, "from the start until half the users are in service"),
    Measure("first_service_wait_max", TIME, "from the start until every user has been in service"),
    Measure("peak_in_service", COUNT, "most messages in service at one instant"),
    Measure("sent", COUNT, "messages sent"),
    Measure("acked", COUNT, "messages acknowledged"),
    Measure("failed", COUNT, "messages sent that can no longer be acknowledged"),
    Measure("unsent", COUNT, "messages planned and never sent"),
    Measure("in_flight", COUNT, "messages sent, neither acked nor failed at the end"),
    Measure("errors", COUNT, "errors of every kind together"),
    Measure("refused", COUNT, "connections refused"),
    Measure("reset", COUNT, "connections reset by the server"),
    Measure("timed_out", COUNT, "connects or acks that did not come in time"),
    Measure("closed_early", COUNT, "connections closed before everything was acknowledged"),
    Measure("bad_reply", COUNT, "answers that were not an ack"),
    Measure("unreachable", COUNT, "connections that failed for want of a route, a port or a file"),
    Measure("connections_per_worker_min", COUNT, "fewest connections that a worker served"),
    Measure("connections_per_worker_max", COUNT, "most connections that a worker served"),
    Measure("workers_used", COUNT, "workers that took at least one connection"),
    Measure("worker_deaths", COUNT, "workers that ended while the server was to serve"),
    Measure("cpu_time", TIME, "CPU time of the server, user and system, all its processes"),
    Measure("cpu_time_per_message", TIME, "CPU time of the server for each ack"),
    Measure("peak_memory", SIZE, "most memory the server held, shared pages in each process"),
    Measure("server_exit_code", COUNT, "how the server ended once it was told to"),
    Measure("start_spread", TIME, "from the first replica's start to the last one's"),
    Measure("utilization", COUNT, "time in service over workers times makespan; above 1 in a loop"),
)  # fmt: skip

MEASURES = {measure.name: measure for measure in _REGISTRY}
ALIASES = {
    "p50": "response_time_p50",
    "p90": "response_time_p90",
    "p99": "response_time_p99",
    "utilisation": "utilization",
}
"""Other spellings that an expectation may use; results know the full name only."""


def find_measure(name: str) -> Measure | None:
    """Return the measure that ``name`` or its alias stands for, None if there is none."""
    return MEASURES.get(ALIASES.get(name, name))
