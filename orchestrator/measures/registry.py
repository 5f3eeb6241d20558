"""The one registry of what an expectation may name: what a case sets and what a run measures.

A measure has one name for people, one dimension and one key in ``summary.json``, where a bare
number carries its unit. Adding a measure is adding a line here and computing it in the analysis.
"""

from dataclasses import dataclass
from typing import Literal

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension
from orchestrator.measures.stages import MEASURES_OF_STAGES

_SUFFIXES = {COUNT: "", TIME: "_s", SIZE: "_bytes", RATE: "_per_s"}


@dataclass(frozen=True)
class Measure:
    """A number that an expectation may name; ``input`` is configured, ``measured`` is observed.

    ``is_of_group`` where each client group has its own: ``slow.response_time_p99``.
    """

    name: str
    dimension: Dimension
    meaning: str
    kind: Literal["input", "measured"] = "measured"
    is_of_group: bool = False

    @property
    def key(self) -> str:
        """The key in ``summary.json``: the name with its unit, ``makespan_s``."""
        return self.name + _SUFFIXES[self.dimension]


def _input(name: str, dimension: Dimension, meaning: str) -> Measure:
    return Measure(name, dimension, meaning, "input")


def _of_group(name: str, dimension: Dimension, meaning: str) -> Measure:
    return Measure(name, dimension, meaning, is_of_group=True)


_REGISTRY = (
    _input("users", COUNT, "users of closed groups, at most at once, each with a connection"),
    _input("replicas", COUNT, "client replicas that share the load"),
    _input("messages", COUNT, "messages that each user sends, where that is set"),
    _input("arrival_rate", RATE, "arrivals of open groups, on average over the time they come"),
    _input("duration", TIME, "how long the load goes on, where that is set"),
    _input("connections", COUNT, "connections of pools; absent where each arrival has its own"),
    _input("workers", COUNT, "processes or threads that serve; 1 for a model without a pool"),
    _input("backlog", COUNT, "argument of listen"),
    _input("cpus", COUNT, "CPUs that the server's container may use, where that is limited"),
    _input("memory_limit", SIZE, "memory that it may have, where that is limited"),
    _input("service_time", TIME, "mean demand of a message, or the server's default"),
    _input("think_time", TIME, "mean pause of a user between an ack and its next message"),
    _input("offered_load", COUNT, "arrival rate times service time: how many workers it takes"),
    _of_group("makespan", TIME, "from the start, after the warm-up, to the last ack or failure"),
    _of_group("throughput", RATE, "acks per second of makespan"),
    _of_group("response_time_mean", TIME, "mean time from due to acked"),
    _of_group("response_time_p50", TIME, "median time from due to acked"),
    _of_group("response_time_p90", TIME, "90th percentile of the time from due to acked"),
    _of_group("response_time_p99", TIME, "99th percentile of the time from due to acked"),
    _of_group("response_time_p999", TIME, "99.9th percentile of the time from due to acked"),
    _of_group("response_time_max", TIME, "longest time from due to acked"),
    _of_group("exchange_time_mean", TIME, "mean time from sent to acked, what a naive client says"),
    _of_group("exchange_time_p50", TIME, "median time from sent to acked"),
    _of_group("exchange_time_p90", TIME, "90th percentile of the time from sent to acked"),
    _of_group("exchange_time_p99", TIME, "99th percentile of the time from sent to acked"),
    _of_group("exchange_time_max", TIME, "longest time from sent to acked"),
    _of_group("send_delay_p50", TIME, "median time from due to sent"),
    _of_group("send_delay_p99", TIME, "99th percentile of the time from due to sent"),
    _of_group("send_delay_max", TIME, "longest time from due to sent"),
    _of_group("waiting_time_mean", TIME, "mean time from due until service begins"),
    _of_group("first_service_wait_p50", TIME, "median wait of a user for its first service"),
    _of_group("first_service_wait_max", TIME, "longest wait of a user for its first service"),
    _of_group("peak_in_service", COUNT, "most messages in service at one instant"),
    _of_group("connected", COUNT, "connections established, accepted by the server or not"),
    Measure("never_accepted", COUNT, "connections established that the server never accepted"),
    _of_group("connect_time_p50", TIME, "median time to establish a connection"),
    _of_group("connect_time_p99", TIME, "99th percentile of the time to establish a connection"),
    _of_group("connect_time_max", TIME, "longest time to establish a connection"),
    _of_group("accept_wait_p50", TIME, "median time of an accepted connection in the backlog"),
    _of_group("accept_wait_max", TIME, "longest time of an accepted connection in the backlog"),
    _of_group("queue_wait_p50", TIME, "median time accepted and in the model's own queue"),
    _of_group("queue_wait_max", TIME, "longest time accepted and in the model's own queue"),
    _of_group("sent", COUNT, "messages sent"),
    _of_group("acked", COUNT, "messages acknowledged"),
    _of_group("failed", COUNT, "messages sent that can no longer be acknowledged"),
    _of_group("unsent", COUNT, "messages planned and never sent"),
    _of_group("in_flight", COUNT, "messages sent, neither acked nor failed at the end"),
    _of_group("dropped", COUNT, "arrivals of open groups that could not be sent"),
    _of_group("errors", COUNT, "errors of every kind together"),
    _of_group("refused", COUNT, "connections refused"),
    _of_group("reset", COUNT, "connections reset by the server"),
    _of_group("timed_out", COUNT, "connects or acks that did not come in time"),
    _of_group("closed_early", COUNT, "connections closed before everything was acknowledged"),
    _of_group("bad_reply", COUNT, "answers that were not an ack"),
    _of_group("surplus_reply", COUNT, "connections that brought bytes that nobody had asked for"),
    _of_group("unreachable", COUNT, "connections that failed for want of a route"),
    _of_group("exhausted", COUNT, "connections that the client had no port or descriptor for"),
    Measure("connections_per_worker_min", COUNT, "fewest connections that a worker served"),
    Measure("connections_per_worker_max", COUNT, "most connections that a worker served"),
    Measure("workers_used", COUNT, "workers that took at least one connection"),
    Measure("worker_deaths", COUNT, "workers that ended while the server was to serve"),
    Measure("cpu_time", TIME, "CPU time of the server, user and system, all its processes"),
    Measure("cpu_time_per_message", TIME, "CPU time of the server for each ack"),
    Measure("peak_memory", SIZE, "most memory the server held, shared pages in each process"),
    Measure("server_exit_code", COUNT, "how the server ended once it was told to"),
    Measure("utilization", COUNT, "time in service over workers times makespan; above 1 in a loop"),
    *(_of_group(name, TIME, meaning) for name, meaning in MEASURES_OF_STAGES.items()),
    Measure("recovery_time", TIME, "from the end of the faults until throughput is back at 90%"),
    Measure("in_system_mean", COUNT, "messages due and not over, on average: L of Little's law"),
    Measure("waiting_mean", COUNT, "messages due and not in service yet, on average"),
    Measure("accept_queue_max", COUNT, "most connections established and not yet accepted"),
    Measure("accept_queue_mean", COUNT, "the same on average, while there were connections"),
    Measure("fairness_connections", COUNT, "Jain's index of connections over workers; 1 is even"),
    Measure("fairness_messages", COUNT, "Jain's index of messages over workers; 1 is even"),
    Measure("idle_while_waiting", TIME, "worker-seconds lost while a sent message was not served"),
    Measure("accept_queue_depth", COUNT, "most that the kernel was seen to hold unaccepted"),
    Measure("listen_overflows", COUNT, "times that a connection came to a full accept queue"),
    Measure("listen_drops", COUNT, "connections that the kernel dropped at the listener"),
    Measure("retransmits", COUNT, "TCP segments that the server's side sent again"),
    Measure("cpu_user_per_message", TIME, "the server's user CPU time for each ack, by the kernel"),
    Measure("cpu_system_per_message", TIME, "the server's system CPU time for each ack"),
    Measure("context_switches_voluntary_per_message", COUNT, "of all threads; each wait is one"),
    Measure("context_switches_involuntary_per_message", COUNT, "of all threads; preempted"),
    Measure("processes", COUNT, "most processes that the server had at a look"),
    Measure("threads", COUNT, "most threads that it had, of all its processes"),
    Measure("descriptors", COUNT, "most descriptors that it had open, of all its processes"),
    Measure("descriptors_last", COUNT, "descriptors that it had open after the load"),
    Measure("memory_pss", SIZE, "most memory that it held, shared pages counted once (PSS)"),
    Measure("memory_per_connection", SIZE, "growth of that for each connection, of 100 or more"),
    Measure("throttled", COUNT, "share of the periods of its CPU quota that used it up"),
    Measure("throttled_time", TIME, "time that its quota kept it from running, over all CPUs"),
    Measure("probe_cpu_share", COUNT, "CPU time that reading all this took, over time"),
    Measure("orchestrator_cpu_share", COUNT, "CPU time of the orchestrator under load, over time"),
    Measure("host_busy", COUNT, "CPU time that other programs used, over that of all CPUs"),
    Measure("host_steal", COUNT, "CPU time that the hypervisor took, over that of all CPUs"),
    Measure("host_pressure", COUNT, "share of the time in which some task waited for a CPU"),
    Measure("client_bottlenecks", COUNT, "replicas that, not the server, set the figures"),
    _of_group("start_spread", TIME, "from the first replica's start to the last one's"),
    _of_group("client_cpu_share", COUNT, "CPU time over wall time of the busiest replica"),
    _of_group("schedule_lag_p50", TIME, "median lag of a client behind its schedule"),
    _of_group("schedule_lag_p99", TIME, "99th percentile of that lag, of the worst replica"),
    _of_group("schedule_lag_max", TIME, "longest lag of a client behind its schedule"),
    _of_group("gc_pauses", COUNT, "garbage collections of the clients during the load"),
)  # fmt: skip

MEASURES = {measure.name: measure for measure in _REGISTRY}
ALIASES = {
    "p50": "response_time_p50",
    "p90": "response_time_p90",
    "p99": "response_time_p99",
    "p999": "response_time_p999",
    "utilisation": "utilization",
}
"""Other spellings that an expectation may use; results know the full name only."""


def full_name(name: str) -> str:
    """Return ``name`` with the measure spelt out: ``slow.response_time_p99`` for ``slow.p99``."""
    group, dot, measure = name.rpartition(".")
    return f"{group}{dot}{ALIASES.get(measure, measure)}"


def find_measure(name: str) -> Measure | None:
    """Return the measure that ``name``, or what follows the group in it, stands for, if any."""
    return MEASURES.get(full_name(name).rpartition(".")[2])
