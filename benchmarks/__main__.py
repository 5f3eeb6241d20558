"""The bench as a command: ``python -m benchmarks [--quick] [measure ...]``."""

import argparse
import importlib
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, report
from benchmarks.compiled import CompilerError
from benchmarks.network import have_own_loopback
from benchmarks.rounds import FULL, QUICK
from benchmarks.tables import Table

MEASURES = ("throughput", "short", "idle", "log", "evidence", "start", "client", "open")
RESULTS = machine.ROOT / "benchmarks" / "results"
AGAINST = {"throughput", "short"}
INFRASTRUCTURE_FAILED = 3
EPILOG = """\
measures:
  throughput  messages/s over 64 connections that stay, 1 and 16 in flight
  short       connections/s where each carries one message
  idle        10,000 idle connections: their memory, and p99 of 100 active ones beside them
  log         what the event log costs at each level
  evidence    what it costs to be looked at by the kernel's probe
  start       servers to listening, quick commands to their end, and the size of the images
  client      the lab's client as a load generator beside other clients
  open        an open loop: is the lab's client on time, and does it see what one in C sees?
"""


def main() -> int:
    """Measure what is asked for, print it, and store it."""
    asked = _parse_arguments()
    effort = replace(QUICK if asked.quick else FULL, before=asked.against)
    effort = replace(effort, rounds=asked.rounds or effort.rounds)
    about, doubts = machine.describe(), machine.warnings()
    if not have_own_loopback():
        doubts.append("on the host's loopback: firewall rules may tax and choke short connections")
    tables: list[Table] = []
    try:
        for name in asked.measures or MEASURES:
            sys.stderr.write(f"{name} ")
            module = importlib.import_module(f"benchmarks.measures.{name}")
            tables += module.measure(effort)
            sys.stderr.write("\n")
    except CompilerError as exc:
        sys.stderr.write(f"{exc}\n")
        return INFRASTRUCTURE_FAILED
    sys.stdout.write(report.as_text(tables))
    sys.stdout.writelines(f"Doubt: {doubt}\n" for doubt in doubts)
    _store({"about": about, "doubts": doubts, "tables": report.as_json(tables)})
    return 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="The lab beside its peers. Takes about seven minutes.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("measures", nargs="*", metavar="measure", help="default: all")
    parser.add_argument("--quick", action="store_true", help="two short rounds: a try-out")
    parser.add_argument("--rounds", type=int, metavar="N", help="default: 5; with --quick 2")
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="compare the servers with those of another checkout; for throughput and short",
    )
    asked = parser.parse_args()
    if asked.against and not AGAINST.issuperset(asked.measures or MEASURES):
        parser.error(f"--against is for: {', '.join(sorted(AGAINST))}")
    if unknown := set(asked.measures) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    return asked


def _store(results: dict[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    stored = RESULTS / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    stored.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"Stored in {stored.relative_to(machine.ROOT)}\n")


if __name__ == "__main__":
    sys.exit(main())
