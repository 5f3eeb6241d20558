"""The programs that are compared: the lab's servers, their peers, and a server in C."""

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.compiled import build
from benchmarks.machine import ROOT
from benchmarks.tables import Target

_MODEL = re.compile(
    r"^  (\w+):\n    <<: \*server\n.*?lab\.group: ([a-z ]*[a-z])", re.MULTILINE | re.DOTALL
)
MODELS: dict[str, str] = dict(_MODEL.findall((ROOT / "compose.yaml").read_text(encoding="utf-8")))
"""The models, each with its group. Without a parser of YAML, which these programs do not need."""

AT_LEAST = 0.97  # of another checkout
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
    """A server program: its name in the tables, its command, its LAB_ variables, its folder."""

    name: str
    command: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    root: Path = ROOT


def lab(model: str, name: str = "", **settings: str) -> Contestant:
    """Return one of the lab's servers, without service time and, unless asked, without a log."""
    command = (sys.executable, "-m", f"services.{model}.server")
    return Contestant(name or model, command, QUIET | settings)


def with_before(models: Iterable[str], before: Path) -> tuple[list[Contestant], list[Target]]:
    """Return ``models`` of this checkout and of the one in ``before``, and the ratios wanted.

    A model that the other checkout lacks is left out.
    """
    now = [lab(model) for model in models if (before / "services" / model).is_dir()]
    then = [replace(one, name=f"{one.name} before", root=before) for one in now]
    return now + then, [Target(one.name, AT_LEAST, f"{one.name} before") for one in now]


def peer(module: str) -> Contestant:
    """Return the server of `benchmarks.peers`."""
    return Contestant(module, (sys.executable, "-m", f"benchmarks.peers.{module}"))


def limit() -> Contestant:
    """Return the server in C, compiled."""
    return Contestant("c", (str(build("server")),))
