"""Drives the load of a case: sends it to the conductor, and collects what the clients report.

Samples go to the case's folder unchanged, as they come; nothing is measured here.
"""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from labkit.clock import own_clock_fields
from labkit.wire.progress import Pulse
from labkit.wire.wire import PART, PING, PONG, STOP, Channel, Message, WireError
from labkit.workload.load_order import Order
from orchestrator.execution.backend import BackendError
from orchestrator.execution.host import HostTimes
from orchestrator.execution.machines import HostReading
from orchestrator.execution.program_log import wait_for
from orchestrator.results.archive import CLIENTS, write_whole
from orchestrator.results.client_samples import MachineLoad
from orchestrator.results.replica_report import MOST_BYTES, ReportError, read_report
from orchestrator.results.strict_json import to_json

CONNECT_DEADLINE_S = 10.0
READY_DEADLINE_S = 30.0  # the conductor itself has shorter deadlines for a replica
RESULT_DEADLINE_S = 60.0
LOST_GRACE_S = 0.2  # for a program to have ended after its connection has
SHOWN = 3
TABLES = ("samples", "connections")


@dataclass(frozen=True)
class Watch:
    """Callbacks of a load: its start, in ns of CLOCK_MONOTONIC, and its progress now and then.

    ``read_host`` returns the times of the hosts, and is called when the load begins and when it is
    over.
    ``check_programs`` is called while replicas are still to enrol, and raises `BackendError` if
    conductor or clients have ended. ``is_hopeless`` gets the progress and the start, and returns
    whether to end the load now.
    """

    on_start: Callable[[int], None]
    on_pulse: Callable[[Pulse], None]
    read_host: Callable[[], HostReading] = lambda: HostReading(HostTimes.now())
    check_programs: Callable[[], None] = lambda: None
    is_hopeless: Callable[[Pulse, int], bool] = lambda _pulse, _start_ns: False


@dataclass
class ClientReports:
    """What each replica reports of itself, which were lost, and what the host did meanwhile.

    ``start_ns`` is the start on the clock of this program. ``machines`` are those that ran the case
    if they are others than that of the orchestrator; then ``host`` has little.
    """

    start_ns: int
    replicas: list[dict[str, Any]]
    lost: list[dict[str, Any]]
    host: Mapping[str, float | None]
    machines: Sequence[MachineLoad] = ()

    @property
    def load_s(self) -> float:
        """How long the load took; some clients stay when their last message is over.

        Each replica has its end and the start on its own clock.
        """
        return max(
            max((int(one["end_ns"]) - int(one["start_ns"])) / 1e9, float(one["health"]["wall_s"]))
            for one in self.replicas
        )

    def store(self, folder: Path) -> None:
        """Write ``clients.json`` into ``folder``."""
        write_whole(folder / CLIENTS, to_json(asdict(self), indent=1) + "\n")


def drive(
    address: tuple[str, int], order: Order, folder: Path, watch: Watch, secret: str
) -> ClientReports:
    """Run ``order`` to its end, write the samples into ``folder``, and return the reports.

    ``secret`` is that of the run, without which the conductor refuses.

    Raises:
        BackendError: the conductor or all replicas were lost, or the load exceeded its deadline.
    """
    try:
        with Channel(socket.create_connection(address, CONNECT_DEADLINE_S)) as channel:
            return _Drive(channel, order, folder, watch).run(secret)
    except (OSError, WireError) as exc:
        wait_for(watch.check_programs, LOST_GRACE_S)  # raises the reason if it has ended
        raise BackendError(f"the conductor at {address[0]}:{address[1]} was lost: {exc}") from exc


class _LostAmidSamplesError(Exception):
    """A replica was lost after its result, and before all of its samples had come."""


class _Drive:
    """One session with the conductor."""

    def __init__(self, channel: Channel, order: Order, folder: Path, watch: Watch) -> None:
        self._channel = channel
        self._order = order
        self._folder = folder
        self._watch = watch
        self._enrolled = 0
        self._is_stopped = False
        self._host_begun = watch.read_host()
        self._reports = ClientReports(0, [], [], {})

    def run(self, secret: str) -> ClientReports:
        order = self._order
        self._channel.send("run", secret=secret, clock=own_clock_fields(), **asdict(order))
        self._channel.settimeout(order.enrol_s + READY_DEADLINE_S)
        while (message := self._next())["type"] != "done":
            self._on_message(message)
        return self._finish()

    def _on_message(self, message: Message) -> None:
        match message["type"]:
            case "enrolled":
                self._enrolled = message["count"]
            case "started":
                self._reports.start_ns = message["start_ns"]
                self._host_begun = self._watch.read_host()
                self._watch.on_start(message["start_ns"])
                self._channel.settimeout(self._order.timeout_s + RESULT_DEADLINE_S)
            case "progress":
                self._on_pulse(Pulse.read(message))
            case "over":
                passed = self._watch.read_host().since(self._host_begun)
                self._reports.host, self._reports.machines = passed
            case "result":
                self._add_result(message)
            case "lost":
                self._add_lost(message)
            case "failed":
                raise BackendError(f"the clients failed: {message['reason']}")

    def _on_pulse(self, pulse: Pulse) -> None:
        self._watch.on_pulse(pulse)
        if not self._is_stopped and self._watch.is_hopeless(pulse, self._reports.start_ns):
            self._is_stopped = True
            self._channel.send(STOP)

    def _next(self) -> Message:
        try:
            message = self._channel.receive()
        except TimeoutError:
            self._give_up()
        except OSError as exc:
            raise WireError(str(exc)) from exc
        if message["type"] == PING:
            self._channel.send(PONG, t_ns=time.monotonic_ns())
            return self._next()
        if message["type"] != "waiting":
            return message
        self._watch.check_programs()
        return self._next()

    def _give_up(self) -> NoReturn:
        order = self._order
        if not self._reports.start_ns:
            raise BackendError(
                f"only {self._enrolled} of {order.replicas} client replicas enrolled"
            )
        raise BackendError(
            f"the clients reported nothing for {order.timeout_s + RESULT_DEADLINE_S:g} s"
        )

    def _add_result(self, message: Message) -> None:
        """Store a replica's samples, and keep its report."""
        result = {name: value for name, value in message.items() if name != "type"}
        replica = _whole(result, "replica", self._order.replicas - 1)
        sizes = {each: _whole(result, f"{each}_bytes", MOST_BYTES) for each in TABLES}
        names = {each: f"{each}-{replica:03d}.npy" for each in TABLES}
        try:
            for table, name in names.items():
                receive = partial(self._receive_table, replica, sizes[table])
                write_whole(self._folder / name, receive)
        except _LostAmidSamplesError:
            for name in names.values():
                (self._folder / name).unlink(missing_ok=True)
            return
        result |= names
        try:
            read_report(result)
        except ReportError as exc:
            self._add_lost(_lost(result, f"sent a result that is invalid: {exc}"))
            return
        result["group"] = self._order.place(replica)[0].name
        self._reports.replicas.append(result)

    def _receive_table(self, replica: int, size: int, file: BinaryIO) -> None:
        """Write the next ``size`` bytes of a replica's samples to ``file``, part by part.

        Raises:
            _LostAmidSamplesError: the conductor reports that it has lost the replica instead.
        """
        while size:
            message = self._next()
            if message["type"] != PART:
                self._on_message(message)
                if message["type"] == "lost" and message["replica"] == replica:
                    raise _LostAmidSamplesError
                continue
            part = _whole(message, "bytes", size)
            file.write(self._receive_bytes(part))
            size -= part

    def _receive_bytes(self, size: int) -> bytes:
        try:
            return self._channel.receive_bytes(size)
        except OSError as exc:  # of the connection, not of the file
            raise WireError(str(exc)) from exc

    def _add_lost(self, message: Message) -> None:
        """Keep the reason of a replica that will not report, and its share of the load."""
        lost = {name: value for name, value in message.items() if name != "type"}
        group, place = self._order.place(lost["replica"])
        self._reports.lost.append(
            lost | {"group": group.name, "planned": group.planned(self._order.seed, place)}
        )

    def _finish(self) -> ClientReports:
        reports = self._reports
        if not reports.replicas:
            raise BackendError(f"no client replica is left: {self._losses()}")
        for each in (reports.replicas, reports.lost):
            each.sort(key=lambda one: int(one["replica"]))
        return reports

    def _losses(self) -> str:
        lost = self._reports.lost
        shown = "; ".join(f"replica {one['replica']} {one['reason']}" for one in lost[:SHOWN])
        return f"{shown}; and {len(lost) - SHOWN} more" if len(lost) > SHOWN else shown


def _whole(message: Message, name: str, most: int) -> int:
    """Return a whole number of ``message``, from 0 to ``most``.

    Raises:
        WireError: it is not one, so what follows the message cannot be read.
    """
    number = message.get(name)
    if type(number) is not int or not 0 <= number <= most:
        raise WireError(f"{name} is not a whole number from 0 to {most}")
    return number


def _lost(result: Message, reason: str) -> Message:
    """Return the message of a replica that is lost because of its ``result``."""
    return {name: result.get(name) for name in ("replica", "host", "pid")} | {"reason": reason}
