"""Hand-made campaigns: what ``c`` workers make of a closed load, without running anything."""

from collections.abc import Mapping, Sequence

import numpy as np

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.chart_data import Distribution, Exhibit, Steps, WorkerShare
from orchestrator.analysis.chart_data import exhibit as make_exhibit
from orchestrator.analysis.excerpt import Excerpt, RequestRecord
from orchestrator.analysis.join import CONNECTION, REQUEST, Merged
from orchestrator.campaign.summarise import Findings
from orchestrator.results.summary import (
    CaseSummary,
    Expectation,
    Fitness,
    Instrument,
    Outcome,
    OverTime,
    RunSummary,
    Status,
    Summary,
)

MS = 1_000_000
HOSTILE = '<script>alert(1)</script>\x1b[31m\x00\u202e & "quoted" \' \ud800'
LONG_WORD = "w" * 300

PASSED = Expectation(
    expression="peak_in_service == workers", outcome=Outcome.PASSED, left="5", right="5"
)
FAILED = Expectation(
    expression="makespan ~= ceil(users / workers) * messages * service_time within 10%",
    outcome=Outcome.FAILED,
    left="2.513 s",
    right="1.000 s",
)
UNKNOWN = Expectation(
    expression="cpu_time < 1s",
    outcome=Outcome.UNKNOWN,
    left="",
    right="1.000 s",
    reason="cpu_time is unknown",
)
STEPS = OverTime(
    step_s=1.0, end_s=100.0, warmup_s=10.0, begin_s=[*map(float, range(100))],
    offered_per_s=[12_345.678] * 100, throughput_per_s=[*map(float, range(12_000, 12_100))],
    failed_per_s=[0.0] * 100, errors_per_s=[0.0] * 100, in_flight=[123.456] * 100,
    response_time_p50_s=[0.0012345, 0.0054321] * 50,
    response_time_p99_s=[0.012345, 0.054321] * 50,
    response_time_max_s=[0.12345, 0.54321] * 50,
)  # fmt: skip
"""A run of a hundred steps whose numbers have many digits."""


def serve(
    workers: int, users: int = 7, messages: int = 5, service_ns: int = 100 * MS
) -> list[RequestRecord]:
    """Return what happens when each worker keeps a connection to its end."""
    free_ns = dict.fromkeys(range(1, workers + 1), 0)
    records = []
    for user in range(users):
        worker = min(free_ns, key=lambda each: free_ns[each])
        sent_ns = MS
        for message in range(messages):
            started_ns = max(free_ns[worker], sent_ns)
            finished_ns = free_ns[worker] = started_ns + service_ns
            records.append(
                request(user, message, worker, (sent_ns, started_ns, finished_ns, finished_ns + MS))
            )
            sent_ns = finished_ns + MS
    return records


def excerpt(requests: Sequence[RequestRecord]) -> Excerpt:
    """Return ``requests``, all of a case, as what its picture shows."""
    users = {each.user for each in requests}
    end_ns = max((each.ended_ns for each in requests), default=0)
    return Excerpt(tuple(requests), len(users), len(requests), end_ns)


def exhibit(requests: Sequence[RequestRecord]) -> Exhibit:
    """Return what the pictures of a case of ``requests`` show; its queues are made up."""
    responses = sorted(each.ended_ns - each.due_ns for each in requests)
    count = len(responses)
    shares = tuple((rank + 1) / count for rank in range(count))
    curve = Distribution(count, shares, tuple(responses))
    queue = Steps(2, (0, 50 * MS, 100 * MS), (1, 2, 0))
    return Exhibit(
        excerpt=excerpt(requests),
        response=curve,
        exchange=curve,
        service=curve,
        depths=(("accept queue", queue), ("application queue", queue), ("in service", queue)),
        shares=(WorkerShare(1, 4, 20), WorkerShare(2, 3, 15)),
    )


def joined(users: int, messages: int, service_ns: int = 12_345_678) -> Merged:
    """Return the tables of fifty workers and ``users``, no two of whose instants are alike."""
    requests = np.zeros(users * messages, REQUEST)
    requests["outcome"] = OUTCOMES.index("acked")
    requests["user"] = np.arange(users).repeat(messages)
    requests["message"] = np.tile(np.arange(messages), users)
    requests["worker"] = requests["user"] % 50 + 1
    turn = requests["user"] // 50 * messages + requests["message"]
    random = np.random.default_rng(1)
    served_ns = random.exponential(service_ns, len(requests)).astype(np.uint64) + 1
    lag_ns = random.exponential(MS, len(requests)).astype(np.uint64)
    requests["due_ns"] = 1 + requests["message"] * np.uint64(service_ns)
    requests["started_ns"] = 9 * MS + turn * np.uint64(service_ns) + lag_ns
    for before, column, after_ns in (
        ("due_ns", "sent_ns", lag_ns), ("due_ns", "connected_ns", MS),
        ("sent_ns", "accepted_ns", 1),
        ("started_ns", "received_ns", 0), ("started_ns", "finished_ns", served_ns),
        ("finished_ns", "ended_ns", lag_ns),
    ):  # fmt: skip
        requests[column] = requests[before] + np.asarray(after_ns, np.uint64)
    return Merged(requests, np.zeros(0, CONNECTION))


def drawn_from(tables: Merged, limit: int) -> Exhibit:
    """Return what pictures show of ``tables``, as a campaign would."""
    return make_exhibit(tables, 0, ["clients"], limit)


def findings(
    campaign: Summary,
    environment: Mapping[str, object] | None = None,
    exhibits: Mapping[str, Exhibit] | None = None,
) -> Findings:
    """Return a campaign with what its pictures show."""
    scenario = "intent: Who waits?\nclients:\n  - users: 7\n"
    return Findings(campaign, environment or {}, exhibits or {}, scenario, "results/quickstart")


def request(
    user: int,
    message: int,
    worker: int | None,
    instants_ns: tuple[int, int | None, int | None, int],
    outcome: str = "acked",
) -> RequestRecord:
    """Return one request; the instants are sent, started, finished, ended."""
    sent_ns, started_ns, finished_ns, ended_ns = instants_ns
    return RequestRecord(
        id=f"r0.c{user}.m{message}",
        user=f"user {user}",
        message=message,
        worker=worker,
        outcome=outcome,
        due_ns=sent_ns,
        sent_ns=sent_ns,
        ended_ns=ended_ns,
        received_ns=started_ns,
        started_ns=started_ns,
        finished_ns=finished_ns,
    )


def case(model: str = "prefork", makespan_s: float = 1.004, **changes: object) -> CaseSummary:
    """Return a case in which all went well, but for ``changes``."""
    measures: dict[str, float | None] = {
        "users": 7.0,
        "messages": 5.0,
        "workers": 5.0,
        "makespan_s": makespan_s,
        "throughput_per_s": 35 / makespan_s,
        "response_time_p50_s": 0.1003,
        "response_time_p90_s": 0.5021,
        "response_time_p99_s": 0.6,
        "response_time_max_s": 0.6012,
        "first_service_wait_max_s": 0.5012,
        "peak_in_service": 5.0,
        "connections_per_worker_min": 1.0,
        "connections_per_worker_max": 2.0,
        "errors": 0.0,
        "failed": 0.0,
        "cpu_time_s": 0.0213,
        "peak_memory_bytes": 61.5 * 2**20,
    }
    whole = CaseSummary(
        name=model,
        model=model,
        slug=model,
        axes={},
        measures=measures,
        instrument=Instrument(fitness=Fitness.OK, reasons=[]),
        expectations=[PASSED],
        invalid=[],
        overhead_s=0.412,
    )
    return whole.model_copy(update=changes)


def run_over_time(steps: OverTime | None, **changes: object) -> RunSummary:
    """Return a run with ``steps`` in which all went well, but for ``changes``."""
    whole = RunSummary(
        slug="prefork",
        measures={},
        over_time=steps,
        instrument=Instrument(fitness=Fitness.OK, reasons=[]),
        invalid=[],
        overhead_s=0.412,
    )
    return whole.model_copy(update=changes)


def summary(*cases: CaseSummary, **changes: object) -> Summary:
    """Return a campaign of ``cases`` that ran to its end, but for ``changes``."""
    whole = Summary(
        scenario="quickstart",
        intent="Seven clients with five messages of 100 ms each. Who waits for whom?",
        backend="process",
        backend_reason="no engine answers",
        started_at="2026-01-02T03:04:05Z",
        duration_s=12.5,
        status=Status.COMPLETE,
        planned_cases=len(cases),
        cases=list(cases),
        exit_code=0,
    )
    return whole.model_copy(update=changes)
