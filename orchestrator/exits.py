"""Which replica ended how: what the clients told, joined with how their programs ended."""

import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.archive import CLIENTS
from orchestrator.backends.base import ClientEnd

KILLED = 128  # a shell's, and a container's, exit code for signal n is 128 + n


def attribute_exits(folder: Path, clients: Sequence[ClientEnd]) -> None:
    """Write the ``program`` and the ``exit_code`` of each replica into a case's ``clients.json``.

    A replica that was lost gives a code other than 0 among its reasons. Programs that never
    enrolled are, one each, those of the replicas that nobody came for.
    """
    path = folder / CLIENTS
    told = json.loads(path.read_text(encoding="utf-8"))
    left = list(clients)
    for replica in [*told["replicas"], *told["lost"]]:
        if replica["host"] is not None:
            _name(replica, _take(left, replica))
    nobodies = iter(left)
    for lost in told["lost"]:
        if lost["host"] is None:
            _name(lost, next(nobodies, None))
        if lost["exit_code"]:
            lost["reason"] += f", {lost['program']} {describe_exit(lost['exit_code'])}"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def describe_exit(code: int) -> str:
    """Return how a program ended, for a person: ``was ended by SIGKILL``, ``ended with code 3``."""
    number = -code if code < 0 else code - KILLED
    if number in set(signal.Signals):
        return f"was ended by {signal.Signals(number).name}"
    return f"ended with exit code {code}"


def _take(left: list[ClientEnd], replica: Mapping[str, Any]) -> ClientEnd | None:
    """Remove from ``left``, and return, the program that enrolled as ``replica``."""
    for index, client in enumerate(left):
        if client.host == replica["host"] and client.pid in {None, replica["pid"]}:
            return left.pop(index)
    return None


def _name(replica: dict[str, Any], client: ClientEnd | None) -> None:
    replica["program"] = client.program if client else None
    replica["exit_code"] = client.exit_code if client else None
