"""Drives the C load generator, and other clients, on the core of the load."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.compiled import build
from benchmarks.machine import LOAD_CORE, ROOT, pinned, session_cpu_s
from benchmarks.running import Running

GRACE_S = 20.0


class LoadError(Exception):
    """Messages were lost or answered wrongly, so the figures are not valid."""


@dataclass(frozen=True)
class Load:
    """What to send: ``steady`` or ``short`` (see native/load.c), and for how long in all."""

    kind: str
    connections: int
    in_flight: int
    seconds: float


@dataclass(frozen=True)
class Driven:
    """The figures of one load; ``load_busy`` and ``server_busy`` are shares of one core."""

    per_s: float
    p50_us: int
    p99_us: int
    load_busy: float
    server_busy: float


def drive(load: Load, server: Running) -> Driven:
    """Put ``load`` on ``server`` and return what was measured.

    Raises:
        LoadError: a message failed.
    """
    command = [
        str(build("load")), load.kind, str(server.port), str(load.connections),
        str(load.in_flight), str(load.seconds),
    ]  # fmt: skip
    figures, used_s = run_client(command, server, load.seconds)
    return Driven(
        figures["messages"] / figures["seconds"],
        figures["p50_us"],
        figures["p99_us"],
        figures["busy"],
        used_s / load.seconds,
    )


def run_client(
    command: Sequence[str], server: Running, seconds: float
) -> tuple[dict[str, Any], float]:
    """Run a client that takes about ``seconds``; return its figures and the server's CPU time.

    Raises:
        LoadError: it failed, or one of its messages did.
    """
    used_s = session_cpu_s(server.pid)
    with pinned(LOAD_CORE):
        outcome = subprocess.run(  # noqa: S603 our own programs
            command, cwd=ROOT, capture_output=True, text=True, timeout=seconds + GRACE_S,
            check=False,
        )  # fmt: skip
    used_s = session_cpu_s(server.pid) - used_s
    figures = json.loads(outcome.stdout) if outcome.returncode == 0 else {}
    if not figures or figures["failed"]:
        raise LoadError(f"{' '.join(command)}: {outcome.stdout}{outcome.stderr}")
    return figures, used_s
