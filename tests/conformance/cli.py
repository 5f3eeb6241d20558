"""The command line: what to try the contract on, and an exit code."""

import argparse
import socket
import sys
from collections.abc import Sequence

import pytest

from tests.conformance.report import Report
from tests.models import ROOT, discover_models

CONNECT_S = 5
PASSED, FAILED, NOT_TRIED = range(3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the contract; return 0 where every check that applies passed, 1 where not, 2 if none."""
    asked = _parser().parse_args(arguments)
    if asked.model:
        subject = ["--model", asked.model]
    else:
        why = _unreachable(asked.address)
        if why:
            print(f"conformance: {asked.address}: {why}", file=sys.stderr)
            return NOT_TRIED
        subject = ["--target", asked.address]
    report = Report()
    print(f"conformance of {asked.model or asked.address}", flush=True)
    code = pytest.main(
        [
            str(ROOT / "tests/contract"),
            f"--rootdir={ROOT}",
            f"--config-file={ROOT / 'pyproject.toml'}",
            "-pno:cacheprovider",
            *(["-k", asked.only] if asked.only else []),
            f"--maxfail={asked.most}",
            *subject,
        ],
        plugins=[report],
    )
    if code == pytest.ExitCode.OK and report.passed:
        return PASSED
    return FAILED if code == pytest.ExitCode.TESTS_FAILED else NOT_TRIED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description="Try the lab's contract on a server, its hostile clients included.",
        epilog="Exit code: 0 every check that applies passed, 1 one failed, 2 nothing was tried.",
    )
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument("address", nargs="?", metavar="HOST:PORT", help="a server that is up")
    subject.add_argument("--model", choices=discover_models(), help="a process of one of ours")
    parser.add_argument("--only", default="", metavar="WORDS", help="checks whose name has these")
    parser.add_argument(
        "--most", type=int, default=0, metavar="N", help="stop after N failures (0: never)"
    )
    return parser


def _unreachable(address: str) -> str:
    """Return why nothing can be tried at ``address``, or nothing."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return "not of the form HOST:PORT"
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as exc:
        return f"cannot connect: {exc}"
    return ""
