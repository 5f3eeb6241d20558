"""Who takes part: the servers of the lab, their peers, and the limit in C."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.compiled import build

QUIET = {
    "LAB_HOST": "127.0.0.1",
    "LAB_PORT": "0",
    "LAB_BACKLOG": "1024",
    "LAB_SERVICE_TIME": "0ms",
    "LAB_LOG_FORMAT": "json",
    "LAB_LOG_LEVEL": "lifecycle",
}


@dataclass(frozen=True)
class Contestant:
    """A server program: its name in the tables, its command, its LAB_ variables if any."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)


def lab(model: str, name: str = "", **settings: str) -> Contestant:
    """Return one of the lab's servers, without service time and, unless asked, without a log."""
    command = (sys.executable, "-m", f"services.{model}.server")
    return Contestant(name or model, command, QUIET | settings)


def peer(module: str) -> Contestant:
    """Return the server of `benchmarks.peers`."""
    return Contestant(module, (sys.executable, "-m", f"benchmarks.peers.{module}"))


def limit() -> Contestant:
    """Return the server in C, compiled."""
    return Contestant("c", (str(build("server")),))
