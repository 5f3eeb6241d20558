"""The orchestrator's side of the conductor: hands it a case's load, takes back what happened.

Samples go to the case's folder as they came; nothing is concluded here.
"""

import json
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from labkit.wire.progress import Pulse
from labkit.wire.wire import Channel, Message, WireError, read_fields
from labkit.workload.load_order import Order
from orchestrator.execution.backend import BackendError
from orchestrator.execution.host import HostTimes
from orchestrator.results.archive import CLIENTS

CONNECT_DEADLINE_S = 10.0
READY_DEADLINE_S = 30.0  # the conductor itself gives up on a replica sooner, here and there
RESULT_DEADLINE_S = 60.0
SHOWN = 3


@dataclass(frozen=True)
class Watch:
    """Whom to tell of a load: of its start, by the clock, and now and then of how it gets on."""

    on_start: Callable[[int], None]
    on_pulse: Callable[[Pulse], None]


def drive(address: tuple[str, int], order: Order, folder: Path, watch: Watch) -> float:
    """Run ``order`` to its end, leave what the clients report in ``folder``; return its seconds.

    Raises:
        BackendError: the conductor or all replicas were lost, or it took longer than it may.
    """
    try:
        with Channel(socket.create_connection(address, CONNECT_DEADLINE_S)) as channel:
            return _Drive(channel, order, folder, watch).run()
    except (OSError, WireError) as exc:
        raise BackendError(f"the conductor at {address[0]}:{address[1]} was lost: {exc}") from exc


class _Drive:
    """One conversation with the conductor."""

    def __init__(self, channel: Channel, order: Order, folder: Path, watch: Watch) -> None:
        self._channel = channel
        self._order = order
        self._folder = folder
        self._watch = watch
        self._enrolled = 0
        self._start_ns = 0
        self._host_begun = self._host_ended = HostTimes.now()
        self._replicas: list[dict[str, Any]] = []
        self._lost: list[dict[str, Any]] = []

    def run(self) -> float:
        order = self._order
        self._channel.send("run", **asdict(order))
        self._channel.settimeout(order.enrol_s + READY_DEADLINE_S)
        while (message := self._next())["type"] != "done":
            self._take(message)
        return self._finish()

    def _take(self, message: Message) -> None:
        match message["type"]:
            case "enrolled":
                self._enrolled = message["count"]
            case "started":
                self._start_ns = message["start_ns"]
                self._host_begun = HostTimes.now()
                self._watch.on_start(self._start_ns)
                self._channel.settimeout(self._order.timeout_s + RESULT_DEADLINE_S)
            case "progress":
                self._watch.on_pulse(read_fields(Pulse, message))
            case "over":
                self._host_ended = HostTimes.now()
            case "result":
                self._keep(message)
            case "lost":
                self._mourn(message)
            case "failed":
                raise BackendError(f"the clients failed: {message['reason']}")

    def _next(self) -> Message:
        try:
            return self._channel.receive()
        except TimeoutError:
            self._give_up()

    def _give_up(self) -> NoReturn:
        order = self._order
        if not self._start_ns:
            raise BackendError(
                f"only {self._enrolled} of {order.replicas} client replicas came to the conductor"
            )
        raise BackendError(
            f"the clients reported nothing for {order.timeout_s + RESULT_DEADLINE_S:g} s"
        )

    def _keep(self, message: Message) -> None:
        """Store a replica's samples, untouched, and remember what it says of itself."""
        result = {name: value for name, value in message.items() if name != "type"}
        for table in ("samples", "connections"):
            name = f"{table}-{result['replica']:03d}.npy"
            payload = self._channel.receive_bytes(result.pop(f"{table}_bytes"))
            (self._folder / name).write_bytes(payload)
            result[table] = name
        result["group"] = self._order.place(result["replica"])[0].name
        self._replicas.append(result)

    def _mourn(self, message: Message) -> None:
        """Remember a replica that will not report, and what its share was."""
        lost = {name: value for name, value in message.items() if name != "type"}
        group, place = self._order.place(lost["replica"])
        self._lost.append(
            lost | {"group": group.name, "planned": group.planned(self._order.seed, place)}
        )

    def _finish(self) -> float:
        if not self._replicas:
            raise BackendError(f"no client replica is left: {self._losses()}")
        told = {
            "start_ns": self._start_ns,
            "replicas": self._replicas,
            "lost": self._lost,
            "host": self._host_ended.since(self._host_begun),
        }
        for each in (self._replicas, self._lost):
            each.sort(key=lambda one: int(one["replica"]))
        (self._folder / CLIENTS).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        return max(self._seconds_of(replica) for replica in self._replicas)

    def _seconds_of(self, replica: dict[str, Any]) -> float:
        """Return how long a replica was there: some stay when their last message is over."""
        until_over_s = (int(replica["end_ns"]) - self._start_ns) / 1e9
        return max(until_over_s, float(replica["health"]["wall_s"]))

    def _losses(self) -> str:
        shown = "; ".join(f"replica {one['replica']} {one['reason']}" for one in self._lost[:SHOWN])
        more = len(self._lost) - SHOWN
        return f"{shown}; and {more} more" if more > 0 else shown
