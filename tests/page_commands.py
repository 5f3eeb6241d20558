"""The commands on the pages: all that stand in a block of `sh`, and the few that no test runs.

Every command that is not listed here is run as it is written by `tests/e2e/test_page_commands.py`;
so a new one is either run or named here with the reason why not.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from conformance import ROOT

ORCHESTRATE = ".venv/bin/python orchestrate.py "
PROGRAM = re.compile(
    r" *(?:[A-Z_]+=\S+ )*"
    r"(?:\.venv\S*/python|\.ci/run|make|docker|python3?|git|cp|sed|printf|nc|pip|curl) "
)
"""How a line of a command begins; such a line stands in a block of `sh` only."""

_FENCE = re.compile(r"^ *```(.*)$")
_COMMENT = re.compile(r"\s+# .*$")

ADDED = "is run in a copy that has the model, by tests/conformance/test_adding_a_model.py"
CONTAINERS = "is run in containers, by tests/e2e/containers"
ENDLESS = "serves until it is stopped, on a port that may be in use; tests/e2e/test_client.py"
PAGE = "serves until it is stopped; tests/e2e/test_explore.py"
WATCHED = "serves until it is stopped; tests/e2e/test_watch.py"
LONG = "takes minutes"
SEARCH = f"{LONG}; tests/e2e/test_capacity.py and tests/unit/orchestrator/cli"
CLAIMS = f"{LONG}; tests/unit/orchestrator/campaign/test_reproduction.py"
SYSTEM = "installs or removes programs, packages or images of the machine"
SWARM = "needs a swarm; tests/e2e/swarm"
WHOLE = "is how the tests themselves are run"

CAPACITY = f'{ORCHESTRATE}capacity scenarios/how_many_workers.yaml --slo "p99 < 50ms"'

NOT_RUN = {
    ".ci/run": WHOLE,
    "LAB_REQUIRE_DOCKER=1 LAB_REQUIRE_BROWSER=1 make test": WHOLE,
    "make check": WHOLE,
    "make test": WHOLE,
    "make test ARGS=tests/architecture": WHOLE,
    "make conformance MODEL=perconn": ADDED,
    "cp -r services/single services/perconn": ADDED,
    "sed -i 's/single/perconn/g' services/perconn/Dockerfile": ADDED,
    "make conformance MODEL=prefork": "tests/conformance/test_cli.py",
    "make conformance TARGET=127.0.0.1:4000": "tests/conformance/test_cli.py",
    "make browser": SYSTEM,
    "make interpreter PYTHON=3.13t": f"{LONG}; tests/e2e/test_interpreter.py runs on what it built",
    "make .venv/dev.stamp": SYSTEM,
    "make demo": f"{SYSTEM}; what it runs is scenarios/quickstart.yaml",
    "make ready faults drains kills soak fuzz": LONG,
    "make selftest": LONG,
    "make twin": LONG,
    "make capacity": LONG,
    "make quiz": LONG,
    f"{ORCHESTRATE}quiz --seed 7 --count 3 --run --backend process": "tests/e2e/test_quiz.py",
    f"{CAPACITY} --at 200/s": SEARCH,
    f"{CAPACITY} --width 10% --out results/before": SEARCH,
    f"{CAPACITY} --width 10% --out results/after": SEARCH,
    f"{ORCHESTRATE}compare results/before/how_many_workers-* "
    "results/after/how_many_workers-*": SEARCH,
    f'{ORCHESTRATE}capacity mine.yaml --slo "p99 < 50ms" --at 200/s': SEARCH,
    "make pictures": LONG,
    f"{ORCHESTRATE}reproduce": CLAIMS,
    f"{ORCHESTRATE}reproduce kingman tene": CLAIMS,
    f"{ORCHESTRATE}reproduce --tier full": CLAIMS,
    "make bench": LONG,
    "make bench ARGS=--quick": LONG,
    'make bench ARGS="throughput short"': LONG,
    'make bench ARGS="client open"': LONG,
    'make bench ARGS="short throughput --against ../other"': LONG,
    ".venv-bench/bin/python -m benchmarks --help": "needs the environment that make bench installs",
    ".venv/bin/python -m benchmarks.disturbed": LONG,
    ".venv/bin/python -m benchmarks.disturbed --rounds 2": LONG,
    f"{ORCHESTRATE}clean --all": "removes what other checkouts have running",
    f"{ORCHESTRATE}clean --images": SYSTEM,
    f"{ORCHESTRATE}predict mine.yaml --set users=1000000": f"{LONG}; make twin",
    f"{ORCHESTRATE}examples/own_server/scenario.yaml": "tests/e2e/test_target.py",
    f"{ORCHESTRATE}examples/own_server/image.yaml": "tests/e2e/test_target.py",
    "docker build -t my-server --build-arg BASE_IMAGE examples/own_server": CONTAINERS,
    "docker compose up prefork": CONTAINERS,
    "docker compose up --scale client=10 prefork client": CONTAINERS,
    "python3 client/client.py 3 --target 127.0.0.1:3002": ENDLESS,
    "printf 'hello sleep=1s\\003goodbye\\003' | nc 127.0.0.1 3002": ENDLESS,
    "python3 -m services.prefork.server": ENDLESS,
    f"{ORCHESTRATE}explore": PAGE,
    f"{ORCHESTRATE}explore scenarios/gil.yaml": PAGE,
    f"{ORCHESTRATE}explore scenarios/sixth_client.yaml --export page.html": (
        "computes 360 pictures; tests/unit/orchestrator/cli/test_explore.py"
    ),
    f"{ORCHESTRATE}explore --no-browser --port 8000": PAGE,
    f"{ORCHESTRATE}explore --watch prefork": WATCHED,
    f"{ORCHESTRATE}explore --watch prefork --backend docker": WATCHED,
    f"LAB_WORKERS=2 {ORCHESTRATE}explore --watch prefork --watch-port 3000": WATCHED,
    "printf 'anna sleep=5s\\003goodbye\\003' | nc 127.0.0.1 3000": WATCHED,
    "python3 client/client.py 7 --demand sleep=1s": WATCHED,
    "ssh -N -L 3000:127.0.0.1:3000 teacher.example": "needs another machine",
    "python3 client/client.py 3": ENDLESS,
    "LAB_PROXY_TARGET=127.0.0.1:3000 LAB_PROXY_TOXICS='"
    '[{"type": "latency", "attributes": {"latency": "50ms", "jitter": "10ms"}}]'
    "' python -m faultproxy": "serves until it is stopped; tests/unit/faultproxy/test_program.py",
    "git switch my-change": "needs a branch of that name",
    "docker swarm init --advertise-addr 192.0.2.1": SYSTEM,
    "docker swarm join-token worker": SWARM,
    f"{ORCHESTRATE}hosts": SWARM,
    f"{ORCHESTRATE}hosts other.hosts.yaml": SWARM,
    f"{ORCHESTRATE}scenarios/quickstart.yaml --backend swarm --hosts lab.hosts.yaml": SWARM,
    f"{ORCHESTRATE}clean --hosts lab.hosts.yaml": SWARM,
    f"{ORCHESTRATE}clean --hosts lab.hosts.yaml --images": SWARM,
    "scripts/swarm up": SWARM,
    "scripts/swarm up --ahead 86400": SWARM,
    "scripts/swarm up --tls certs": SWARM,
    "scripts/swarm within 1 docker node ls": SWARM,
    "scripts/swarm hosts": SWARM,
    "scripts/swarm cut": SWARM,
    "scripts/swarm kill 2": SWARM,
    "scripts/swarm down": SWARM,
}
"""Commands that `test_page_commands` does not run, each with the reason or with what runs it.

Those of make are tried with `make -n`.
"""

PLANNED = [
    f"{ORCHESTRATE}scenarios/quickstart.yaml",
    f"{ORCHESTRATE}scenarios/how_many_workers.yaml --set rate=200/s",
    f"{ORCHESTRATE}scenarios/gate.yaml || test $? -eq 4",
    f"{ORCHESTRATE}scenarios/gate.yaml --json | jq '.cases[] | {{name, throughput:"
    " .measures.throughput_per_s}'",
    f"{ORCHESTRATE}scenarios/gate.yaml --out results/before",
    f"{ORCHESTRATE}scenarios/gate.yaml --out results/after",
    f"{ORCHESTRATE}my.yaml",
    *(
        f"{ORCHESTRATE}docs/lessons/{lesson}"
        for lesson in (
            "1-one-at-a-time.yaml --set think_time=100ms",
            "2-one-more-than-workers.yaml --set users=7",
            "2-one-more-than-workers.yaml --set users=10",
            "2-one-more-than-workers.yaml --set users=11",
            "3-all-at-once.yaml --set users=1000",
            "4-a-blocking-call.yaml --set model=threaded",
            "5-work-for-the-cpu.yaml --set demand=cpu=50ms,sleep=50ms",
            "6-four-fifths-busy.yaml",
            "6-four-fifths-busy.yaml --set rate=18/s",
            "6-four-fifths-busy.yaml --set demand=sleep=50ms",
            "6-four-fifths-busy.yaml --set model=prefork --set rate=32/s",
            "7-connected-is-not-served.yaml --set backlog=128",
            "8-what-a-client-omits.yaml --set connections=each",
            "9-what-a-process-costs.yaml --set demand=sleep=0ms",
            "9-what-a-process-costs.yaml --set users=300",
            "12-without-the-lock.yaml --set interpreter=3.13",
        )
    ),
]
"""Runs that are planned only: together they take eight minutes."""


@dataclass(frozen=True)
class Command:
    """A command of a page, as it is written but for the comment after it."""

    page: str
    text: str

    @property
    def is_run(self) -> bool:
        """Whether `test_page_commands` runs it."""
        return self.text not in NOT_RUN and self.text not in PLANNED


@cache
def pages() -> dict[str, str]:
    """Return the text of every page that is under version control, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines() or [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.md")]
    found = sorted(name for name in listed if name != "CHANGELOG.md" and (ROOT / name).is_file())
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in found}


@cache
def commands() -> tuple[Command, ...]:
    """Return the commands of all pages, in order."""
    return tuple(
        Command(page, line)
        for page, text in pages().items()
        for language, lines in blocks(text)
        if language == "sh"
        for line in _joined(lines)
    )


def blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the language and the lines of each fenced block."""
    language: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        if not (fence := _FENCE.match(line)):
            lines.append(line)
        elif language is None:
            language, lines = fence[1], []
        else:
            yield language, lines
            language = None


def scenario_on(page: str) -> str:
    """Return the first scenario that stands on ``page``."""
    return next("\n".join(lines) + "\n" for lang, lines in blocks(pages()[page]) if lang == "yaml")


def _joined(lines: list[str]) -> Iterator[str]:
    """Yield each command; a backslash joins a line to the next."""
    whole = "\n".join(lines).replace("\\\n", "")
    for line in whole.splitlines():
        if text := re.sub(r" +", " ", _COMMENT.sub("", line).strip()):
            yield text
