"""A client in an orchestrated run: the conductor says what to do and when to begin."""

import os
import socket
import time
from contextlib import closing
from dataclasses import asdict

from client.event_loop import Loop
from client.health import Checkup
from client.load import load_of
from client.options import parse_address
from client.scripted_loop import BehaviourError
from client.system import sharpen_sleeps
from client.task import Task, UnresolvedError, resolve
from labkit.wire.wire import Channel, Message, WireError
from labkit.workload.load_order import Share

MEETING_DEADLINE_S = 600.0  # the time that an engine takes to start a large fleet
CONNECT_DEADLINE_S = 5.0
RETRY_S = 0.05


class ConductorLostError(Exception):
    """The conductor cannot be reached, has gone, or talks nonsense."""


def play(conductor: tuple[str, int]) -> None:
    """Enrol with the conductor, carry out the share of the load it hands over, and report.

    Raises:
        ConductorLostError: it does not come or goes away; whatever ran is broken off.
        UnresolvedError: the target of the load has no address.
        BehaviourError: this machine does not let a client behave like that.
    """
    sock = _meet(conductor)
    try:
        with Channel(sock) as channel:
            channel.send("enrol", host=socket.gethostname(), pid=os.getpid())
            with closing(_accept(channel)) as load:
                _carry_out(channel, load)
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


def _accept(channel: Channel) -> Loop:
    """Return the load that the conductor hands over; one that cannot be carried out is refused."""
    try:
        task = _read_task(channel.receive())
        return load_of(task, stop_fd=channel.fileno())
    except (UnresolvedError, BehaviourError) as exc:
        channel.send("refused", reason=str(exc))
        raise
    except ValueError as exc:  # an address, a demand or a law that is none
        raise WireError(f"its order makes no sense: {exc}") from exc


def _read_task(order: Message) -> Task:
    if order["type"] == "dismissed":
        raise ConductorLostError(f"the conductor has no use for it: {order.get('reason')}")
    share = Share.read(order)
    family, address = resolve(*parse_address(share.target))
    return Task(family, address, share)


def _carry_out(channel: Channel, load: Loop) -> None:
    load.prepare()
    sharpen_sleeps()
    channel.send("ready")
    start = channel.receive()
    start_ns = start.get("start_ns")
    if not isinstance(start_ns, int):
        raise WireError(f"its start makes no sense: {start!r}")
    with Checkup(start_ns) as checkup:
        load.run(start_ns, lambda pulse: channel.send("progress", **asdict(pulse)))
    if load.is_stopped:
        raise WireError("it closed the connection")
    channel.send("over")
    channel.receive()  # once all replicas are, so that nobody's report disturbs another's load
    samples, connections = load.books.packed()
    channel.send(
        "result",
        samples,
        connections,
        replica=load.task.share.replica,
        start_ns=start_ns,
        first_connect_ns=load.first_connect_ns,
        end_ns=load.books.end_ns,
        planned=load.task.share.planned,
        books=load.books.counts,
        errors=load.books.errors,
        health=checkup.result(load.lags_ns),
        samples_bytes=len(samples),
        connections_bytes=len(connections),
    )
