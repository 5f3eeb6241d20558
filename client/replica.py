"""A replica in an orchestrated run: the conductor assigns its load and its start."""

import os
import socket
import time
from contextlib import closing

from client.event_loop import EventLoop
from client.health import HealthMonitor
from client.load import make_loop
from client.options import parse_address
from client.scripted_loop import BehaviourError
from client.system import minimize_timer_slack
from client.task import Task, UnresolvedError, resolve
from labkit.clock import own_clock_fields
from labkit.wire.wire import PING, PONG, STOP, Channel, Message, WireError
from labkit.workload.load_order import Share

CONDUCTOR_DEADLINE_S = 600.0  # an engine may take that long to start a large fleet
CONNECT_DEADLINE_S = 5.0
RETRY_S = 0.05


class ConductorLostError(Exception):
    """The conductor cannot be reached, has gone, or sent an invalid message."""


def play(
    conductor: tuple[str, int], secret: str, leave_every_s: float = 0.0, placed_on: str = ""
) -> None:
    """Enrol with the conductor, carry out the assigned share of the load, and report.

    ``secret`` is that of the run, without which the conductor refuses. It returns
    ``leave_every_s`` later than for the replica with the number before. ``placed_on`` names the
    host that it was put on for a group that is to run there.

    Raises:
        ConductorLostError: it cannot be reached or has gone; a running load is aborted.
        UnresolvedError: the target of the load has no address.
        BehaviourError: this machine does not allow the group's behaviour.
    """
    sock = _connect(conductor)
    try:
        with Channel(sock) as channel:
            _enrol(channel, secret, placed_on)
            with closing(_receive_load(channel)) as load:
                _carry_out(channel, load)
    except (OSError, WireError) as exc:
        raise ConductorLostError(f"the conductor is lost: {exc}") from exc
    time.sleep(leave_every_s * load.task.share.replica)


def _connect(conductor: tuple[str, int]) -> socket.socket:
    """Return a connection to the conductor, which may start later than this replica."""
    deadline_s = time.monotonic() + CONDUCTOR_DEADLINE_S
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


def _enrol(channel: Channel, secret: str, placed_on: str) -> None:
    channel.send(
        "enrol",
        secret=secret,
        host=socket.gethostname(),
        pid=os.getpid(),
        clock=own_clock_fields(),
        placed_on=placed_on,
    )


def _receive_load(channel: Channel) -> EventLoop:
    """Return the load that the conductor assigns; refuse one that cannot be carried out."""
    try:
        task = _read_task(channel.receive())
        return make_loop(task, stop_fd=channel.fileno())
    except (UnresolvedError, BehaviourError) as exc:
        channel.send("refused", reason=str(exc))
        raise
    except ValueError as exc:  # an address, a demand or a law cannot be parsed
        raise WireError(f"its order is invalid: {exc}") from exc


def _read_task(order: Message) -> Task:
    if order["type"] in {"dismissed", "failed"}:
        raise ConductorLostError(f"the conductor turned it away: {order.get('reason')}")
    share = Share.read(order)
    family, address = resolve(*parse_address(share.target))
    return Task(family, address, share)


def _carry_out(channel: Channel, load: EventLoop) -> None:
    load.prepare()
    minimize_timer_slack()
    channel.send("ready")
    start_ns = _receive_start(channel)
    with HealthMonitor(start_ns) as monitor:
        load.run(start_ns, lambda pulse: channel.send("progress", **vars(pulse)))
    if load.is_stopped:
        _receive_stop(channel)
    channel.send("over")
    _await_report(channel)
    _report(channel, load, start_ns, monitor)


def _receive_start(channel: Channel) -> int:
    """Answer the pings of the conductor; return when to start, on this replica's own clock."""
    while (message := channel.receive())["type"] == PING:
        channel.send(PONG, t_ns=time.monotonic_ns())
    start_ns = message.get("start_ns")
    if not isinstance(start_ns, int):
        raise WireError(f"its start is invalid: {message!r}")
    return start_ns


def _receive_stop(channel: Channel) -> None:
    """Receive the order to stop, which made the load stop.

    Raises:
        WireError: the conductor has closed the connection instead.
    """
    message = channel.receive()
    if message["type"] != STOP:
        raise WireError(f"its order is invalid: {message!r:.80}")


def _await_report(channel: Channel) -> None:
    """Wait until all replicas are done: a report would disturb another's load."""
    while channel.receive()["type"] == STOP:
        pass  # the load was over before it came


def _report(channel: Channel, load: EventLoop, start_ns: int, monitor: HealthMonitor) -> None:
    samples, connections = load.recorder.packed()
    channel.send(
        "result",
        samples,
        connections,
        replica=load.task.share.replica,
        start_ns=start_ns,
        first_connect_ns=load.first_connect_ns,
        end_ns=load.recorder.end_ns,
        planned=load.task.share.planned,
        books=load.recorder.counts,
        errors=load.recorder.errors,
        health=monitor.result(load.lags_ns),
        samples_bytes=len(samples),
        connections_bytes=len(connections),
    )
