"""Drives the C load generator, on the core of the load."""

import json
import subprocess
from dataclasses import dataclass

from benchmarks.compiled import build
from benchmarks.machine import LOAD_CORE, pinned, session_cpu_s
from benchmarks.running import Running

GRACE_S = 20.0


class LoadError(Exception):
    """The load failed: messages were lost or answered wrongly, so no figure holds."""


@dataclass(frozen=True)
class Load:
    """What to send: ``steady`` or ``short`` (see native/load.c), and for how long in all."""

    kind: str
    connections: int
    in_flight: int
    seconds: float


@dataclass(frozen=True)
class Driven:
    """What came back; ``load_busy`` and ``server_busy`` are shares of one core."""

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
    used_s = session_cpu_s(server.pid)
    with pinned(LOAD_CORE):
        outcome = subprocess.run(  # noqa: S603 our own program
            command, capture_output=True, text=True, timeout=load.seconds + GRACE_S, check=False
        )
    used_s = session_cpu_s(server.pid) - used_s
    if outcome.returncode:
        raise LoadError(f"{' '.join(command)}: {outcome.stdout}{outcome.stderr}")
    told = json.loads(outcome.stdout)
    return Driven(
        told["messages"] / told["seconds"], told["p50_us"], told["p99_us"], told["busy"],
        used_s / load.seconds,
    )  # fmt: skip
