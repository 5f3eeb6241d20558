"""From a command line to an exit code: which of the client's roles to play."""

import os
import resource
import signal
import sys
import time
from collections.abc import Sequence

from client import conductor, replica
from client.load import Load, Task
from client.options import Options, OptionsError, parse_options
from client.resolve import UnresolvedError, resolve
from client.story import Story
from client.user import Script

OK, FAILED, MISUSED, LOST, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: Sequence[str] = sys.argv[1:]) -> int:
    """Play the role that is asked for and return the exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        if list(arguments) == ["conductor"]:
            return conductor.main(os.environ)
        options = parse_options(arguments, os.environ)
        _raise_descriptor_limit()
        if options.conductor is not None:
            replica.play(options.conductor)
            return OK
        return _play_plainly(options)
    except OptionsError as exc:
        return _say(str(exc), MISUSED)
    except (replica.ConductorLostError, UnresolvedError) as exc:
        return _say(str(exc), LOST)
    except KeyboardInterrupt:
        return INTERRUPTED


def _play_plainly(options: Options) -> int:
    host, port = options.target
    family, address = resolve(host, port)
    task = Task(
        family=family,
        address=address,
        script=Script(options.messages, options.demand or None),
        users=options.connections,
        think_time_s=options.think_time_s,
        timeout_s=options.timeout_s,
    )
    start_ns = time.monotonic_ns()
    story = Story(start_ns, f"{host}:{port}", quiet=options.quiet)
    load = Load(task, story)
    try:
        load.run(start_ns)
    finally:
        story.close(load.books)
    if load.books.errors["refused"] == options.connections:
        return _say(
            f"nobody listens at {host}:{port}; start a server, e.g. python -m "
            "services.prefork.server, or docker compose up prefork and --target 127.0.0.1:3002",
            FAILED,
        )
    return FAILED if any(load.books.errors.values()) else OK


def _raise_descriptor_limit() -> None:
    """Allow as many connections as the hard limit does; the usual soft limit is 1024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"client: {text}\n")
    return code
