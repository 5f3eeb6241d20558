"""From a command line to an exit code: which of the client's roles to play."""

import math
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence

from client import replica
from client.conductor import server
from client.console import Story, tell_sum
from client.load import load_of
from client.options import Options, OptionsError, parse_options
from client.scripted_loop import BehaviourError
from client.system import raise_interrupt, readable_interrupts
from client.task import Task, UnresolvedError, resolve
from labkit.workload.load_order import CLOSED, GroupOrder, Share

OK, FAILED, MISUSED, LOST, INTERRUPTED = 0, 1, 2, 3, 130
CODES: dict[type[Exception], int] = {
    OptionsError: MISUSED,
    UnresolvedError: FAILED,
    replica.ConductorLostError: LOST,
    BehaviourError: FAILED,
}
HINTS = {
    "refused": "nobody listens at {target}; start a server, e.g. python -m services.prefork.server "
    "(127.0.0.1:3000), or docker compose up prefork (--target 127.0.0.1:3002)",
    "reset": "the server at {target} broke off connections; its log has the reason",
    "timed_out": "not every answer came within {timeout_s:g} s; see --timeout, or ask for less",
    "closed_early": "the server at {target} ended before all was acknowledged; see its log",
    "bad_reply": "what listens at {target} is no server of this lab; see --target",
    "unreachable": "no way to {target}",
    "exhausted": "no descriptor or local port left here; see ulimit -n and ip_local_port_range",
}


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Play the role that is asked for and return the exit code."""
    signal.signal(signal.SIGTERM, raise_interrupt)
    try:
        if list(arguments) == ["conductor"]:
            return server.main(os.environ)
        options = parse_options(arguments, os.environ)
        _raise_descriptor_limit()
        if options.conductor is not None:
            replica.play(options.conductor)
            return OK
        return _play_plainly(options)
    except tuple(CODES) as exc:
        return _say(str(exc), CODES[type(exc)])
    except KeyboardInterrupt:
        return INTERRUPTED


def _play_plainly(options: Options) -> int:
    host, port = options.target
    family, address = resolve(host, port)
    target = f"{host}:{port}"
    share = Share(0, 0, _group(options), target, seed=1, timeout_s=options.timeout_s)
    with readable_interrupts() as stop_fd:
        start_ns = time.monotonic_ns()
        story = None if options.quiet else Story(start_ns, target)
        load = load_of(Task(family, address, share), story, stop_fd)
        load.run(start_ns, lambda _pulse: story.remind(load.phases()) if story else None)
        tell_sum(load.books)
    kinds = [kind for kind, users in load.books.errors.items() if users]
    for kind in kinds:
        _say(HINTS[kind].format(target=target, timeout_s=options.timeout_s), FAILED)
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


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"client: {text}\n")
    return code
