"""The command line of the conformance suite: a server in, a report and an exit code out."""

import argparse
import signal
import socket
import sys
from collections.abc import Sequence

import pytest

from conformance import ROOT, discover_models
from conformance.report import Report
from labkit.signals import set_signals

CONNECT_S = 5
PASSED, FAILED, NOT_RUN = range(3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite; return 0 if every applicable check passed, 1 if one failed, 2 if none ran."""
    set_signals({signal.SIGINT: signal.default_int_handler})
    options = _parser().parse_args(arguments)
    if options.model:
        subject = ["--model", options.model]
    else:
        why = _unreachable(options.address)
        if why:
            print(f"conformance: {options.address}: {why}", file=sys.stderr)
            return NOT_RUN
        subject = ["--target", options.address]
    report = Report()
    print(f"conformance of {options.model or options.address}", flush=True)
    code = pytest.main(
        [
            str(ROOT / "conformance/contract"),
            f"--rootdir={ROOT}",
            f"--config-file={ROOT / 'pyproject.toml'}",
            "-pno:cacheprovider",
            *(["-k", options.only] if options.only else []),
            f"--maxfail={options.most}",
            *subject,
        ],
        plugins=[report],
    )
    if code == pytest.ExitCode.OK and report.passed:
        return PASSED
    return FAILED if code == pytest.ExitCode.TESTS_FAILED else NOT_RUN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Run the conformance suite on a server, including hostile clients.",
        epilog="Exit code: 0 every applicable check passed, 1 a check failed, 2 no check was run.",
    )
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument(
        "address", nargs="?", metavar="HOST:PORT", help="address of a running server"
    )
    subject.add_argument(
        "--model", choices=discover_models(), help="start and test a model of the lab"
    )
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="only checks whose names match, as in pytest -k"
    )
    parser.add_argument(
        "--most", type=int, default=0, metavar="N", help="stop after N failures (0: never)"
    )
    return parser


def _unreachable(address: str) -> str:
    """Return why no server can be reached at ``address``, or an empty string."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return "not of the form HOST:PORT"
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, OverflowError) as exc:
        return f"cannot connect: {exc}"
    return ""
