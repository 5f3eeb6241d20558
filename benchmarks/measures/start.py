"""How long programs take to start: each server to listening, each quick command to its end.

Besides, the size of the image layers over the base.
"""

import json
import shutil
import subprocess
import time

from benchmarks.contestants import MODELS, Contestant, lab, limit, peer
from benchmarks.machine import ROOT
from benchmarks.rounds import Effort, interleave
from benchmarks.running import running
from benchmarks.tables import Table, Target

STARTS_PER_ROUND = 3
ENGINE_DEADLINE_S = 20
PYTHON = ROOT / ".venv" / "bin" / "python"
"""The environment of the orchestrator; that of the bench lacks its packages."""

LIBRARIES = "import pydantic, yaml"
SCENARIO = "scenarios/quickstart.yaml"
COMMANDS = {
    LIBRARIES: ["-c", LIBRARIES],
    "--help": ["orchestrate.py", "--help"],
    "validate": ["orchestrate.py", "validate", SCENARIO],
    "plan": ["orchestrate.py", "plan", SCENARIO],
}
COMMAND_TARGETS = {"--help": 0.15 / 0.07, "validate": 0.35 / 0.07, "plan": 0.45 / 0.07}
"""As ratios to importing the two libraries, which takes 0.07 s where the bounds were set."""


def measure(effort: Effort) -> list[Table]:
    """Return tables of starts and, if an engine has the images, one of their sizes."""
    contestants = [
        *(lab(model) for model in MODELS), peer("asyncio_protocol"), peer("gevent_stream"), limit()
    ]  # fmt: skip
    starts = interleave(contestants, effort.rounds, _start_ms)
    targets = [Target(model, 60, at_least=False) for model in MODELS]
    tables = [Table("start of the process to listening", "ms", starts, targets), _commands(effort)]
    if layers := {model: [size] for model in MODELS if (size := _layers_kb(model)) is not None}:
        bounds = [Target(model, 100, at_least=False) for model in layers]
        tables.append(Table("image layers over the base", "kB", layers, bounds))
    return tables


def _commands(effort: Effort) -> Table:
    """Return how long the quick commands take, beside importing the libraries that they need."""
    times_ms: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(effort.rounds):
        for name, arguments in COMMANDS.items():
            times_ms[name].append(min(_run_ms(arguments) for _ in range(STARTS_PER_ROUND)))
    targets = [
        Target(name, round(bound, 2), LIBRARIES, at_least=False)
        for name, bound in COMMAND_TARGETS.items()
    ]
    return Table("orchestrate.py, start to end", "ms", times_ms, targets)


def _run_ms(arguments: list[str]) -> float:
    begun_s = time.monotonic()
    subprocess.run(  # noqa: S603 our own program
        [PYTHON, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True
    )
    return (time.monotonic() - begun_s) * 1e3


def _start_ms(contestant: Contestant) -> float:
    """Return the fastest of a few starts; disturbances only make a start slower."""
    fastest_s = float("inf")
    for _ in range(STARTS_PER_ROUND):
        with running(contestant) as server:
            fastest_s = min(fastest_s, server.start_s)
    return fastest_s * 1e3


def _layers_kb(model: str) -> float | None:
    """Return the size of what this project's Dockerfile adds, or None: no engine, no image.

    Of the newest image, since each state of the sources has one.
    """
    images = (_docker("images", "--quiet", f"server-models-lab/{model}") or "").split()
    if not images:
        return None
    shown = _docker("history", "--format", "{{json .}}", "--human=false", images[0])
    layers = [json.loads(line) for line in (shown or "").splitlines()]
    sizes = [int(one["Size"]) for one in layers if "COPY" in one["CreatedBy"]]
    return sum(sizes) / 1e3 if layers else None


def _docker(*arguments: str) -> str | None:
    """Return what the docker command prints, None if it fails or is not there."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    try:
        outcome = subprocess.run(  # noqa: S603 a fixed command
            [docker, *arguments],
            capture_output=True,
            text=True,
            timeout=ENGINE_DEADLINE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return None if outcome.returncode else outcome.stdout
