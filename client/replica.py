"""A client in an orchestrated run: the conductor says what to do and when to begin."""

import os
import select
import socket
import time

from client.load import Load
from client.options import parse_address
from client.resolve import resolve
from client.task import Task
from client.user import Script
from labkit.wire import Channel, Message, WireError

MEETING_DEADLINE_S = 60.0
CONNECT_DEADLINE_S = 5.0
RETRY_S = 0.05
SPIN_NS = 2_000_000  # a sleep ends up to this late


class ConductorLostError(Exception):
    """The conductor cannot be reached, has gone, or talks nonsense."""


def play(conductor: tuple[str, int]) -> None:
    """Enrol with the conductor, carry out the share of the load it hands over, and report.

    Raises:
        ConductorLostError: it does not come or goes away; whatever ran is broken off.
        UnresolvedError: the target of the load has no address.
    """
    sock = _meet(conductor)
    try:
        with Channel(sock) as channel:
            channel.send("enrol", pid=os.getpid())
            _carry_out(channel, _read_order(channel.receive()))
    except (OSError, WireError) as exc:
        raise ConductorLostError(f"the conductor is lost: {exc}") from exc


def _meet(conductor: tuple[str, int]) -> socket.socket:
    """Return a connection to the conductor, who may be late."""
    deadline_s = time.monotonic() + MEETING_DEADLINE_S
    while True:
        try:
            sock = socket.create_connection(conductor, CONNECT_DEADLINE_S)
        except (OSError, UnicodeError) as exc:
            if time.monotonic() > deadline_s:
                host, port = conductor
                raise ConductorLostError(f"no conductor at {host}:{port}: {exc}") from exc
            time.sleep(RETRY_S)
        else:
            sock.settimeout(None)
            return sock


def _read_order(order: Message) -> tuple[int, Task]:
    """Return the number of this replica and what it is to do."""
    try:
        family, address = resolve(*parse_address(order["target"]))
        task = Task(
            family=family,
            address=address,
            script=Script(order["messages"], order["demand"], order["replica"]),
            users=order["users"],
            first_user=order["first_user"],
            think_time_s=order["think_time_s"],
            timeout_s=order["timeout_s"],
        )
    except (LookupError, TypeError, ValueError, AttributeError) as exc:
        raise WireError(f"its order makes no sense: {exc!r}") from exc
    return task.script.replica, task


def _carry_out(channel: Channel, order: tuple[int, Task]) -> None:
    replica, task = order
    load = Load(task, stop_fd=channel.fileno())
    channel.send("ready")
    start = channel.receive()
    start_ns = start.get("start_ns")
    if not isinstance(start_ns, int):
        raise WireError(f"its start makes no sense: {start!r}")
    _await(start_ns, channel)
    load.run(start_ns, lambda acked: channel.send("progress", acked=acked))
    if load.is_stopped:
        raise WireError("it closed the connection")
    samples = load.books.packed()
    channel.send(
        "result",
        samples,
        replica=replica,
        start_ns=start_ns,
        first_connect_ns=load.first_connect_ns,
        end_ns=load.books.end_ns,
        books=load.books.counts,
        errors=load.books.errors,
        samples_bytes=len(samples),
    )


def _await(start_ns: int, channel: Channel) -> None:
    """Return at ``start_ns``, to the microsecond; the conductor has nothing to say till then."""
    sleep_s = max(start_ns - SPIN_NS - time.monotonic_ns(), 0) / 1e9
    if select.select([channel], [], [], sleep_s)[0]:
        raise WireError("it closed the connection")
    while time.monotonic_ns() < start_ns:
        pass
