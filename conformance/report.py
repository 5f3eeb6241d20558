"""The report of the suite: one line for each check, instead of pytest's own output."""

import io
import re
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import TextIO

import pytest

_WORDS = {"passed": "passed", "failed": "FAILED", "skipped": "not applicable"}
_SHOWN_LINES = 4  # of the failure message
_INDENT = " " * 26


class Report:
    """A pytest plugin that prints one line for each check, and the totals at the end."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._ends: Counter[str] = Counter()

    @property
    def passed(self) -> int:
        """How many checks passed."""
        return self._ends["passed"]

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Disable pytest's own report."""
        config.pluginmanager.unregister(name="terminalreporter")
        silent = pytest.TerminalReporter(config, io.StringIO())
        config.pluginmanager.register(silent, "terminalreporter")

    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Deselect tests that use no server."""
        others = [item for item in items if "subject" not in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print the outcome of a check: of its call, or of a set-up or tear-down that failed."""
        if report.when != "call" and report.passed:
            return
        if report.when == "teardown" and not report.failed:
            return
        self._ends[report.outcome] += 1
        line = f"{_WORDS[report.outcome]:<15} {report.duration:6.2f} s  {_name(report.nodeid)}"
        self._write(line + _why_not(report))

    def pytest_sessionfinish(self) -> None:
        """Print the totals."""
        sums = (f"{self._ends[outcome]} {word.lower()}" for outcome, word in _WORDS.items())
        self._write(", ".join(sums))

    def _write(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()


def _name(nodeid: str) -> str:
    """Return `protocol: a split goodbye still closes` for a test's id, without the server."""
    path, _, test = nodeid.partition("::")
    test, _, parameters = test.partition("[")
    topic = Path(path).stem.removeprefix("test_")
    words = test.removeprefix("test_").replace("_", " ")
    rest = re.sub(r"^[^]-]*-?", "", parameters.removesuffix("]"))[:60]
    return f"{topic}: {words}" + (f" ({rest})" if rest else "")


def _why_not(report: pytest.TestReport) -> str:
    if report.passed:
        return ""
    if report.skipped and isinstance(report.longrepr, tuple):
        return ": " + str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = str(crash.message if crash else report.longrepr).splitlines()[:_SHOWN_LINES]
    return "\n" + textwrap.indent("\n".join(lines), _INDENT)
