"""The experiment as a command: ``python -m benchmarks.disturbed [--rounds N] [--out FOLDER]``.

Runs each scenario beside programs that use a part of a core, all levels in each round, and prints
false alarms and misses of the earlier and the present rule of validity. The runs stay in the
folder; with ``--rounds 0`` the table is made of those that are there. Needs an idle machine; on one
that is not, ``--by-use`` groups the runs by the share of the CPUs that other programs really used.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.disturbed.judge import Case, as_markdown, rows
from benchmarks.machine import ROOT

HERE = Path(__file__).parent
SCENARIOS = (ROOT / "scenarios" / "quickstart.yaml", *sorted(HERE.glob("*.yaml")))
LEVELS = ("0", "10", "30", "50", "100", "4x100")


def main() -> int:
    """Run what is asked for, and print the table of all runs in the folder."""
    asked = _parse_arguments()
    for number in range(1, asked.rounds + 1):
        for level in asked.levels:
            with beside(level):
                for scenario in asked.scenarios:
                    run(scenario, asked.out / scenario.stem / level)
            sys.stderr.write(f"round {number} of {asked.rounds}: {level}\n")
    cases = list(stored(asked.out, asked.levels))
    sys.stdout.write(as_markdown(rows(cases, by_use=asked.by_use)) if cases else "no runs\n")
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.disturbed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="default: 20, about 45 minutes")
    parser.add_argument("--levels", nargs="+", default=LEVELS, help="percent, or COUNTxPERCENT")
    parser.add_argument("--scenarios", nargs="+", type=Path, default=SCENARIOS)
    parser.add_argument("--by-use", action="store_true", help="rows by measured CPU time")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "disturbed")
    return parser.parse_args()


@contextlib.contextmanager
def beside(level: str) -> Iterator[None]:
    """Run the hogs of ``level`` meanwhile: ``30`` is one of 30%, ``4x100`` four of 100%."""
    count, _, percent = level.rpartition("x")
    command = [sys.executable, str(HERE / "hog.py"), percent]
    hogs = [
        subprocess.Popen(command, start_new_session=True)  # noqa: S603 the project's own program
        for _ in range(int(count or 1))
        if float(percent)
    ]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def run(scenario: Path, folder: Path) -> None:
    """Run ``scenario`` on local processes, without retries, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "orchestrate.py", str(scenario.resolve()), "--backend", "process"]
    subprocess.run(  # noqa: S603 the project's own program
        [*command, "--accept-invalid", "--out", str(folder.resolve())],
        cwd=ROOT,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


def stored(out: Path, levels: Sequence[str]) -> Iterator[Case]:
    """Yield all cases of all runs in ``out``, level by level."""
    for level in levels:
        for path in sorted(out.glob(f"*/{level}/*/summary.json")):
            for case in json.loads(path.read_bytes())["cases"]:
                for each in case["runs"]:
                    yield Case(path.parts[-4], case["model"], level, each["measures"])


if __name__ == "__main__":
    sys.exit(main())
