"""A reproduction in a terminal."""

import io
import re

from rich.console import Console

from orchestrator.report.reproduction.table import print_reproduction
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import (
    CONTRARY,
    claim,
    reproduction,
)


def printed(width: int, *claims: object) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_reproduction(console, reproduction(*claims))  # type: ignore[arg-type]  # claims
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_each_figure_is_beside_the_published_one_and_the_verdict_is_last() -> None:
    text = printed(200, claim(), CONTRARY)
    (row,) = [line for line in text.splitlines() if "A loop is faster." in line]
    assert re.search(r"25\.27 ms +31 ms \(30 ms to 32 ms\) +reproduced +yes", row)
    assert text.rstrip().splitlines()[-1] == "2 claims: 1 as known, 1 contradicts what is known"
    assert "answer: Of 2 claims of 1 source" in text


def test_a_narrow_terminal_has_the_claims_below_each_other() -> None:
    lines = printed(80, claim()).splitlines()
    assert lines[:5] == [
        "A loop is faster.",
        "  A. Nobody 2001, table 1",
        "  p99(epoll): published 25.27 ms, measured 31 ms (30 ms to 32 ms)",
        "  p99(single): published 1.58 ms, measured —",
        "  reproduced; as known: yes",
    ]


def test_without_claims_there_is_no_table() -> None:
    console = Console(file=io.StringIO(), width=100)
    print_reproduction(console, reproduction(files=[], exit_code=4))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().strip() == "no claim was tried"
