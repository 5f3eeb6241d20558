"""A client in an orchestrated run: the conductor says what to do and when to begin."""

import os
import select
import socket
import time

from client.health import Checkup
from client.load import load_of
from client.options import parse_address
from client.punctual import sharpen_sleeps
from client.resolve import resolve
from client.scripted_loop import BehaviourError
from client.task import Task
from labkit.order import Share
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
            channel.send("enrol", host=socket.gethostname(), pid=os.getpid())
            _carry_out(channel, _read_task(channel.receive()))
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


def _read_task(order: Message) -> Task:
    """Return what this replica is to do.

    Raises:
        WireError: nobody can tell.
        ConductorLostError: it is not wanted.
        UnresolvedError: its target has no address.
    """
    if order["type"] == "dismissed":
        raise ConductorLostError(f"the conductor has no use for it: {order.get('reason')}")
    try:
        share = Share.read(order)
        family, address = resolve(*parse_address(share.target))
    except ValueError as exc:
        raise WireError(f"its order makes no sense: {exc}") from exc
    return Task(family, address, share)


def _carry_out(channel: Channel, task: Task) -> None:
    try:
        load = load_of(task, stop_fd=channel.fileno())
    except ValueError as exc:  # a demand or a law that is none
        raise WireError(f"its order makes no sense: {exc}") from exc
    except BehaviourError as exc:
        channel.send("refused", reason=str(exc))
        raise
    sharpen_sleeps()
    channel.send("ready")
    start = channel.receive()
    start_ns = start.get("start_ns")
    if not isinstance(start_ns, int):
        raise WireError(f"its start makes no sense: {start!r}")
    _await(start_ns, channel)
    with Checkup() as checkup:
        load.run(start_ns, lambda acked: channel.send("progress", acked=acked))
    if load.is_stopped:
        raise WireError("it closed the connection")
    samples, connections = load.books.packed()
    channel.send(
        "result",
        samples + connections,
        replica=task.share.replica,
        start_ns=start_ns,
        first_connect_ns=load.first_connect_ns,
        end_ns=load.books.end_ns,
        planned=task.share.planned,
        books=load.books.counts,
        errors=load.books.errors,
        health=checkup.result(load.lags_ns),
        samples_bytes=len(samples),
        connections_bytes=len(connections),
    )


def _await(start_ns: int, channel: Channel) -> None:
    """Return at ``start_ns``, to the microsecond; the conductor has nothing to say till then."""
    sleep_s = max(start_ns - SPIN_NS - time.monotonic_ns(), 0) / 1e9
    if select.select([channel], [], [], sleep_s)[0]:
        raise WireError("it closed the connection")
    while time.monotonic_ns() < start_ns:
        pass
