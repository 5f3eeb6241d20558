"""The command line: the choice of the client's role, and the exit code."""

import math
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence

from client import replica
from client.conductor.server import run_conductor
from client.console import Console, print_summary
from client.identity import container_name, replica_number
from client.load import make_loop
from client.options import Options, OptionsError, parse_options
from client.scripted_loop import BehaviourError
from client.system import raise_interrupt, readable_interrupts
from client.task import Task, UnresolvedError, resolve
from labkit.signals import set_signals
from labkit.wire.secret import read_secret
from labkit.workload.load_order import CLOSED, GroupOrder, Share

OK, FAILED, MISUSED, LOST, INTERRUPTED = 0, 1, 2, 3, 130
CODES: dict[type[Exception], int] = {
    OptionsError: MISUSED,
    UnresolvedError: FAILED,
    replica.ConductorLostError: LOST,
    BehaviourError: FAILED,
}
HINTS = {
    "refused": "no server listens at {target}; start one, e.g. python -m services.prefork.server "
    "(127.0.0.1:3000), or docker compose up prefork (--target 127.0.0.1:3002)",
    "reset": "the server at {target} reset connections; its log has the reason",
    "timed_out": "some answers did not come within {timeout_s:g} s; raise --timeout or send less",
    "closed_early": "the server at {target} closed connections before all was acknowledged; "
    "see its log",
    "bad_reply": "the program at {target} is not a server of this lab; check --target",
    "unreachable": "{target} is unreachable",
    "surplus_reply": "the server at {target} sent more than one ack for a message; see its log",
    "exhausted": "no descriptor or local port left here; see ulimit -n and ip_local_port_range",
}


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Run the client, a replica or the conductor, and return the exit code."""
    set_signals({signal.SIGTERM: raise_interrupt, signal.SIGINT: signal.default_int_handler})
    try:
        if list(arguments) == ["conductor"]:
            _raise_descriptor_limit()
            return run_conductor(os.environ)
        options = parse_options(arguments, os.environ)
        _raise_descriptor_limit()
        if options.conductor is not None:
            secret = read_secret(os.environ)
            replica.play(options.conductor, secret, options.leave_every_s, options.placed_on)
            return OK
        return _run_plain(options)
    except tuple(CODES) as exc:
        return _report(str(exc), CODES[type(exc)])
    except KeyboardInterrupt:
        return INTERRUPTED


def _run_plain(options: Options) -> int:
    host, port = options.target
    family, address = resolve(host, port)
    target = f"{host}:{port}"
    container = container_name(family, address)
    number = replica_number(container)
    share = Share(number, 0, _group(options), target, seed=1, timeout_s=options.timeout_s)
    with readable_interrupts() as stop_fd:
        start_ns = time.monotonic_ns()
        console = None if options.quiet else Console(start_ns, target)
        if console and container and number:
            console.report_replica(number, container)
        load = make_loop(Task(family, address, share), console, stop_fd)
        load.run(start_ns, lambda _: console.report_waiting(load.phases()) if console else None)
        print_summary(load.recorder)
    kinds = [kind for kind, users in load.recorder.errors.items() if users]
    for kind in kinds:
        _report(HINTS[kind].format(target=target, timeout_s=options.timeout_s), FAILED)
    if load.is_stopped:
        return INTERRUPTED
    return FAILED if kinds else OK


def _group(options: Options) -> GroupOrder:
    return GroupOrder(
        name="clients",
        replicas=1,
        loop=CLOSED,
        initial=options.connections,
        messages=options.messages,
        demand=options.demand or None,
        demand_limit_s=math.inf,
        think_time=options.think_time,
    )


def _raise_descriptor_limit() -> None:
    """Allow as many connections as the hard limit does; the usual soft limit is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _report(text: str, code: int) -> int:
    sys.stderr.write(f"client: {text}\n")
    return code
