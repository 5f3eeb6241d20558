"""A client in an orchestrated run: the conductor says what to do and when to begin."""

import os
import socket
import time

from client.load import Load, Task
from client.resolve import UnresolvedError, resolve
from client.user import Script
from labkit.wire import Channel, Message, WireError

MEETING_DEADLINE_S = 60.0
RETRY_S = 0.05


class ConductorLostError(Exception):
    """The conductor cannot be reached, or has gone."""


def play(conductor: tuple[str, int]) -> None:
    """Enrol with the conductor, carry out the share of the load it hands over, and report.

    Raises:
        ConductorLostError: it does not come or goes away; whatever ran is broken off.
    """
    try:
        with Channel(_meet(conductor)) as channel:
            channel.send("enrol", pid=os.getpid())
            _carry_out(channel, channel.receive())
    except (OSError, WireError) as exc:
        raise ConductorLostError(f"the conductor is lost: {exc}") from exc


def _meet(conductor: tuple[str, int]) -> socket.socket:
    """Return a connection to the conductor, who may be late."""
    deadline_s = time.monotonic() + MEETING_DEADLINE_S
    while True:
        try:
            family, address = resolve(*conductor)
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.connect(address)
        except (OSError, UnresolvedError) as exc:
            if time.monotonic() > deadline_s:
                raise ConductorLostError(f"no conductor at {conductor[0]}: {exc}") from exc
            time.sleep(RETRY_S)
        else:
            return sock


def _carry_out(channel: Channel, order: Message) -> None:
    host, _, port = order["target"].rpartition(":")
    family, address = resolve(host, int(port))
    task = Task(
        family=family,
        address=address,
        script=Script(order["messages"], order["demand"]),
        users=order["users"],
        first_user=order["first_user"],
        replica=order["replica"],
        think_time_s=order["think_time_s"],
        timeout_s=order["timeout_s"],
    )
    load = Load(task)
    channel.send("ready")
    start_ns = channel.receive()["start_ns"]
    time.sleep(max(start_ns - time.monotonic_ns(), 0) / 1e9)
    load.run(start_ns, lambda acked: channel.send("progress", acked=acked))
    samples = load.books.packed()
    channel.send(
        "result",
        samples,
        replica=task.replica,
        start_ns=start_ns,
        first_connect_ns=load.first_connect_ns,
        end_ns=load.books.end_ns,
        books=load.books.counts,
        errors=load.books.errors,
        samples_bytes=len(samples),
    )
