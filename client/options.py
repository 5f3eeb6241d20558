"""The client's options: from the command line, else the environment, else a default."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from labkit.protocol.parsing import (
    DAY_S,
    read_duration_s,
    read_positive_duration_s,
    read_whole,
)
from labkit.workload.distributions import Demands, parse_law

MAX_CONNECTIONS = 10_000
MAX_MESSAGES = 1_000_000
EPILOG = """\
examples:
  python client/client.py 3                          three clients at once, five messages each
  python client/client.py 7 --demand sleep=100ms     each message asks for 100 ms of service
  python client/client.py 7 --demand sleep=10ms+cpu=2ms    each waits 10 ms, then computes 2 ms
  python client/client.py 2 --target 127.0.0.1:3004  the epoll server of docker compose up epoll
  python client/client.py conductor                  the start barrier of an orchestrated run

Every option has an environment variable: LAB_CONNECTIONS, LAB_MESSAGES, LAB_DEMAND, LAB_THINK_TIME,
LAB_TARGET, LAB_TIMEOUT. With LAB_CONDUCTOR=HOST:PORT the conductor assigns the load and the start;
conductor and replicas need the same LAB_RUN_SECRET, any text. With LAB_LEAVE_EVERY=DURATION each
replica ends so much later than the one before. LAB_PLACED_ON=HOST makes it take the load of a group
that is to run on that host.
Containers of docker compose up --scale client=N are replicas 1 to N, by the number in their names.

exit codes: 0 all acknowledged, 1 something failed, 2 bad option, 3 conductor lost,
130 interrupted
"""


class OptionsError(ValueError):
    """An option is unknown or its value is invalid; the message names it and what it accepts."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionsError(f"{message}; see --help")


@dataclass(frozen=True)
class Options:
    """Durations in seconds; with an empty ``demand`` the server uses its own service time."""

    connections: int
    messages: int
    demand: str
    think_time: str
    target: tuple[str, int]
    timeout_s: float
    conductor: tuple[str, int] | None
    leave_every_s: float
    placed_on: str
    quiet: bool


def parse_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Return the options.

    Raises:
        OptionsError: an option is unknown, or its value is invalid.
        SystemExit: with 0 after ``--help``.
    """
    parsed = vars(_parser().parse_args(arguments))
    values: dict[str, object] = {"quiet": parsed["quiet"]}
    for name, (default, read) in _READERS.items():
        variable = "LAB_" + name.removesuffix("_s").upper()
        given = parsed.get(name)
        source = variable if given is None else _LABELS.get(name, f"--{name}")
        text = (environ.get(variable) or default) if given is None else given
        try:
            values[name] = read(text)
        except ValueError as exc:
            raise OptionsError(f"{source}: {exc}") from exc
    return Options(**values)  # type: ignore[arg-type]  # each reader returns its field's type


def _parser() -> _Parser:
    parser = _Parser(
        prog="client.py",
        description="Concurrent clients in a closed loop: each sends, waits for its ack, thinks, "
        "sends again, and says goodbye after the last message.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "connections", nargs="?", metavar="N", help="number of clients (default: 1)"
    )
    parser.add_argument("--messages", metavar="M", help="messages per client (default: 5)")
    parser.add_argument(
        "--demand", help="e.g. sleep=100ms or cpu=exponential(5ms) (default: the server decides)"
    )
    parser.add_argument("--think-time", metavar="LAW", help="pause after an ack (default: 0ms)")
    parser.add_argument(
        "--target", metavar="HOST:PORT", help="the server (default: 127.0.0.1:3000)"
    )
    parser.add_argument(
        "--timeout",
        dest="timeout_s",
        metavar="DURATION",
        help="longest time of the run (default: 10m)",
    )
    parser.add_argument("--quiet", action="store_true", help="print the summary only")
    return parser


def _demand(text: str) -> str:
    if text:
        Demands.parse(text)
    return text


def _think_time(text: str) -> str:
    if parse_law(text).mean_s() > DAY_S:
        raise ValueError(f"a mean of {text!r} is longer than a day")
    return text


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port``.

    Raises:
        ValueError: ``text`` is not an address.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port[:9]) < 1 << 16:
        raise ValueError(f"{text[:80]!r} is not an address; write HOST:PORT, e.g. 127.0.0.1:3000")
    return host.removeprefix("[").removesuffix("]"), int(port)


_READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "connections": ("1", partial(read_whole, low=1, high=MAX_CONNECTIONS)),
    "messages": ("5", partial(read_whole, low=1, high=MAX_MESSAGES)),
    "demand": ("", _demand),
    "think_time": ("0ms", _think_time),
    "target": ("127.0.0.1:3000", parse_address),
    "timeout_s": ("10m", read_positive_duration_s),
    "conductor": ("", lambda text: parse_address(text) if text else None),
    "leave_every_s": ("0ms", read_duration_s),
    "placed_on": ("", str),
}
_LABELS = {"connections": "N", "think_time": "--think-time", "timeout_s": "--timeout"}
