"""From the start of the process to listening, and the image layers over the base."""

import json
import shutil
import subprocess

from benchmarks.contestants import Contestant, lab, limit, peer
from benchmarks.rounds import Effort, interleave
from benchmarks.running import running
from benchmarks.tables import Table, Target

MODELS = ("single", "prefork", "threaded", "epoll")
STARTS_PER_ROUND = 3
ENGINE_DEADLINE_S = 20


def measure(effort: Effort) -> list[Table]:
    """Return a table of starts and, where an engine has the images, one of their sizes."""
    contestants = [
        *(lab(model) for model in MODELS), peer("asyncio_protocol"), peer("gevent_stream"), limit()
    ]  # fmt: skip
    starts = interleave(contestants, effort.rounds, _start_ms)
    targets = [Target(model, 60, at_least=False) for model in MODELS]
    tables = [Table("start of the process to listening", "ms", starts, targets)]
    if layers := {model: [size] for model in MODELS if (size := _layers_kb(model)) is not None}:
        bounds = [Target(model, 100, at_least=False) for model in layers]
        tables.append(Table("image layers over the base", "kB", layers, bounds))
    return tables


def _start_ms(contestant: Contestant) -> float:
    """Return the fastest of a few starts: nothing makes one too fast."""
    fastest_s = float("inf")
    for _ in range(STARTS_PER_ROUND):
        with running(contestant) as server:
            fastest_s = min(fastest_s, server.start_s)
    return fastest_s * 1e3


def _layers_kb(model: str) -> float | None:
    """Return the size of what this project's Dockerfile adds, or None: no engine, no image."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    image = f"server-models-lab-{model}"
    command = [docker, "history", "--format", "{{json .}}", "--human=false", image]
    try:
        outcome = subprocess.run(  # noqa: S603 a fixed command
            command, capture_output=True, text=True, timeout=ENGINE_DEADLINE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    if outcome.returncode:
        return None
    layers = [json.loads(line) for line in outcome.stdout.splitlines()]
    return sum(int(one["Size"]) for one in layers if "COPY" in one["CreatedBy"]) / 1e3
