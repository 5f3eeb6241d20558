"""A stored run of as many messages as a test wants, made without running anything.

Deterministic and free of contradictions: two groups of users wait for each ack, after a warm-up
that does not count, and one thread serves them all. The server's log, the samples and the reports
agree, so the run is valid, and every path of the analysis sees all of its rows.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from labkit.wire.samples import FAILURES, OUTCOMES, ConnectionRow, Row
from orchestrator.results.archive import CASE, CLIENTS, SERVER_LOG
from orchestrator.results.summary import (
    CaseSummary,
    Fitness,
    Instrument,
    RunSummary,
    Status,
    Summary,
)
from orchestrator.scenario.server import ServerSettings

Instants = npt.NDArray[np.int64]

GROUPS = ("near", "far")
MODEL = "epoll"
START_NS = 1_000_000_000_000
SERVICE_NS = 10_000_000
PERIOD_NS = 10_500_000  # from one message of a user to its next
USER_LAG_NS = 10_007  # from the first message of one user to that of the next
FIRST_PORT, PORTS = 1_024, 64_512
ACKED = OUTCOMES.index("acked")
LOAD = "{{name: {}, executor: closed, replicas: {}, users: {}, messages: {}, demand: sleep=10ms}}"
SCENARIO = """\
intent: As many messages as are wanted. Does the analysis keep within its memory?
models: [epoll]
warmup: 10ms
clients:
  - {near}
  - {far}
expect:
  all: [failed == 0]
"""
HOST = {
    "wall_s": 10.0, "busy_s": 4.0, "irq_s": 0.0, "steal_s": 0.0, "own_cpu_s": 0.1,
    "cpus": 2.0, "counted_cpus": 2.0, "machine_cpus": 2.0, "server_s": 2.0, "probe_s": 0.1,
    "conductor_s": 0.1, "clients_s": 1.5,
}  # fmt: skip
HEALTH = {
    "cpu_s": 0.5, "wall_s": 10.0, "lags": 0, "lag_p50_ns": None, "lag_p99_ns": None,
    "lag_max_ns": None, "gc_pauses": 0, "gc_pause_s": 0.0, "throttled_periods": 0,
    "run_delay_s": 0.0,
}  # fmt: skip


class Shape(NamedTuple):
    """How many replicas and users each of the two groups has, and messages each user."""

    replicas: int
    users: int
    messages: int

    @property
    def total(self) -> int:
        """The number of messages of both groups."""
        return len(GROUPS) * self.users * self.messages


class _Exchange(NamedTuple):
    """The instants of one message of each of some users, in the order of the users."""

    due_ns: Instants
    sent_ns: Instants
    received_ns: Instants
    finished_ns: Instants
    acked_ns: Instants
    ended_ns: Instants


def store_large_run(folder: Path, shape: Shape) -> None:
    """Write a campaign of one run of ``shape`` into ``folder``, which is created."""
    raw = folder / "raw" / MODEL
    raw.mkdir(parents=True)
    loads = {name: LOAD.format(name, *shape) for name in GROUPS}
    (folder / "scenario.yaml").write_text(SCENARIO.format(**loads))
    (folder / "environment.json").write_text("{}")
    (folder / "summary.json").write_text(_summary().model_dump_json())
    server = ServerSettings(workers=1).complete().model_dump(exclude_none=True)
    case = {"server": server, "twin": None, "server_exit_code": 0, "overhead_s": 0.25}
    (raw / CASE).write_text(json.dumps(case))
    replicas = [_store_replica(raw, shape, n) for n in range(len(GROUPS) * shape.replicas)]
    clients = {"start_ns": START_NS, "replicas": replicas, "lost": [], "host": HOST}
    (raw / CLIENTS).write_text(json.dumps(clients))
    with (raw / SERVER_LOG).open("wb") as file:
        _write_log(file, shape)


def _summary() -> Summary:
    """Return what a campaign stores of its end: that it was complete, and the run that ended."""
    fit = Instrument(fitness=Fitness.OK, reasons=[])
    run = RunSummary(slug=MODEL, measures={}, instrument=fit, invalid=[], overhead_s=0.25)
    case = CaseSummary(
        name=MODEL, model=MODEL, slug=MODEL, axes={}, measures={}, instrument=fit,
        expectations=[], invalid=[], overhead_s=0.25, runs=[run],
    )  # fmt: skip
    return Summary(
        scenario="large", intent="", backend="process", backend_reason="", status=Status.COMPLETE,
        started_at="2026-01-02T03:04:05Z", duration_s=1.0, planned_cases=1, planned_runs=1,
        cases=[case], exit_code=0,
    )  # fmt: skip


def _exchange(users: Instants, message: int) -> _Exchange:
    """Return the instants of a message of each of ``users``, numbered over both groups.

    A user's next message is due after its ack, as the sum of all delays is below `PERIOD_NS`.
    """
    noise_ns = (users * 7_919 + message * 104_729) % 100_003
    due_ns = START_NS + 1_000_000 + users * USER_LAG_NS + message * PERIOD_NS
    sent_ns = due_ns + 5_000
    received_ns = sent_ns + 40_000 + noise_ns // 3
    finished_ns = received_ns + SERVICE_NS + noise_ns
    acked_ns = finished_ns + 9_000
    return _Exchange(due_ns, sent_ns, received_ns, finished_ns, acked_ns, acked_ns + 30_000)


def _store_replica(raw: Path, shape: Shape, replica: int) -> dict[str, object]:
    """Write the tables of a replica, whose rows are in the order of the acks; return its report."""
    group, place = divmod(replica, shape.replicas)
    own = np.arange(place, shape.users, shape.replicas)
    keys = own + group * shape.users
    samples, connections = f"samples-{replica:03d}.npy", f"connections-{replica:03d}.npy"
    table = np.zeros((shape.messages, len(own)), [(each, "<u8") for each in Row._fields])
    for message in range(shape.messages):
        found = _exchange(keys, message)
        order = np.argsort(found.ended_ns)
        row = table[message]
        row["user"], row["message"], row["outcome"] = own[order], message, ACKED
        row["due_ns"], row["sent_ns"] = found.due_ns[order], found.sent_ns[order]
        row["first_byte_ns"] = row["ended_ns"] = found.ended_ns[order]
    rows = table.reshape(-1)
    np.save(raw / samples, rows)
    np.save(raw / connections, _connections(own, keys, rows))
    acked = len(rows)
    books = {"sent": acked, "acked": acked, "failed": 0, "unsent": 0, "in_flight": 0, "retries": 0}
    return {
        "replica": replica, "group": GROUPS[group], "samples": samples, "connections": connections,
        "first_connect_ns": START_NS + 1_000, "end_ns": int(rows["ended_ns"].max()),
        "planned": acked, "books": books, "errors": dict.fromkeys(FAILURES, 0), "health": HEALTH,
    }  # fmt: skip


def _connections(own: Instants, keys: Instants, rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    table = np.zeros(len(own), [(each, "<u8") for each in ConnectionRow._fields])
    first = _exchange(keys, 0)
    table["user"], table["port"] = own, FIRST_PORT + keys % PORTS
    table["begun_ns"], table["connected_ns"] = first.due_ns, first.due_ns + 1_000
    table["ended_ns"] = int(rows["ended_ns"].max()) + 1_000
    return table


def _write_log(file: BinaryIO, shape: Shape) -> None:
    """Write the log of a server that accepted all connections and then served all messages."""
    end_ns = 0
    counts = {"started": 1, "listening": 1, "stopped": 1}
    _write(file, [_line(START_NS - 2_000_000, "started")])
    _write(file, [_line(START_NS - 1_000_000, "listening", workers=1, cpu_user_s=0.1,
                        cpu_system_s=0.0)])  # fmt: skip
    keys = np.arange(len(GROUPS) * shape.users)
    _write(file, _accepted(keys))
    for message in range(shape.messages):
        _write(file, _served(keys, message, shape))
        end_ns = int(_exchange(keys[-1:], message).acked_ns[0])
    counts |= {"accepted": len(keys), "request_acked": shape.total}
    _write(file, [_line(end_ns + 1_000_000_000, "stopped", counts=counts, cpu_user_s=2.0,
                        cpu_system_s=0.5, peak_memory_bytes=30_000_000)])  # fmt: skip


def _line(t_ns: int, event: str, **fields: object) -> str:
    head = {"t_ns": t_ns, "event": event, "model": MODEL, "worker": 0, "pid": 7}
    return json.dumps({**head, **fields}, separators=(",", ":"))


def _write(file: BinaryIO, lines: "list[str] | Iterator[str]") -> None:
    file.write("".join(f"{line}\n" for line in lines).encode("ascii"))


def _accepted(keys: Instants) -> Iterator[str]:
    accepted_ns = _exchange(keys, 0).due_ns + 2_000
    for key, t_ns in zip(keys.tolist(), accepted_ns.tolist(), strict=True):
        peer = f"127.0.0.1:{FIRST_PORT + key % PORTS}"
        yield _line(t_ns, "accepted", worker=1, conn=f"1.{key}", peer=peer)


def _served(keys: Instants, message: int, shape: Shape) -> Iterator[str]:
    """Yield a line for a message of each user, in the order in which they were acked."""
    found = _exchange(keys, message)
    group, user = np.divmod(keys, shape.users)
    replica = group * shape.replicas + user % shape.replicas
    order = np.argsort(found.acked_ns)
    columns = (keys, replica, user, found.acked_ns, found.received_ns, found.finished_ns)
    for key, own, number, acked_ns, received_ns, finished_ns in zip(
        *(each[order].tolist() for each in columns), strict=True
    ):
        yield (
            f'{{"t_ns":{acked_ns},"event":"request_acked","model":"{MODEL}","worker":1,"pid":7,'
            f'"conn":"1.{key}","request":"r{own}.c{number}.m{message}",'
            f'"received_ns":{received_ns},"started_ns":{received_ns},"finished_ns":{finished_ns}}}'
        )
