"""A reproduction of claims, made by hand: one of each standing."""

from typing import Any

from orchestrator.results.reproduction import (
    Cell,
    Claimed,
    ClaimResult,
    FileResult,
    Reproduction,
    SourceText,
    Standing,
    Verdict,
)
from orchestrator.results.summary import Status

SOURCE = SourceText(
    author="A. Nobody", title="On servers", year=2001, place="table 1", reference="ISBN 0"
)
CELL = Cell(
    of="p99(epoll)",
    published="25.27 ms",
    measured="31 ms",
    value=0.031,
    low=0.03,
    high=0.032,
    interval="30 ms to 32 ms",
    coverage=0.9375,
)
BARE = Cell(of="p99(single)", published="1.58 ms", measured="", value=None)


def claim(says: str = "A loop is faster.", **changes: Any) -> ClaimResult:  # noqa: ANN401 any field
    """Return a claim that came out as known."""
    whole = ClaimResult(
        says=says,
        expression="p99(epoll) < p99(single)",
        confidence=0.95,
        claimed=Claimed.ORDER,
        place="",
        cells=[CELL, BARE],
        verdict=Verdict.REPRODUCED,
        reason="confidence that it holds: 96.9%",
        known=Verdict.REPRODUCED,
        known_reason="",
        standing=Standing.AS_KNOWN,
    )
    return whole.model_copy(update=changes)


CONTRARY = claim(
    "A pool is cheaper.",
    verdict=Verdict.INVERTED,
    standing=Standing.CONTRADICTS,
    known_reason="it forks less",
)
OPEN = claim(
    "It grows.",
    verdict=Verdict.UNDECIDED,
    standing=Standing.UNDECIDED,
    cells=[],
    reason="not measured: no engine",
)
UNCLEAR = claim(
    "It varies.",
    verdict=Verdict.UNDECIDED,
    known=Verdict.UNDECIDED,
    known_reason="the book has both",
    reason="confidence that it holds: 50.0%",
)
NEW = claim("It is so.", known=Verdict.UNDECIDED, standing=Standing.NEW)


def reproduction(*claims: ClaimResult, **changes: Any) -> Reproduction:  # noqa: ANN401 any field
    """Return a reproduction of one file with ``claims``."""
    file = FileResult(
        name="nobody",
        intent="Which is faster?",
        source=SOURCE,
        status=Status.COMPLETE,
        duration_s=10.0,
        claims=list(claims or [claim()]),
    )
    whole = Reproduction(
        tier="quick",
        backend="process",
        backend_reason="no engine",
        started_at="2026-01-02T03:04:05+00:00",
        duration_s=12.0,
        status=Status.COMPLETE,
        planned=["nobody"],
        files=[file],
        host={"command": ".venv/bin/python orchestrate.py reproduce", "cpus": 2},
        exit_code=0,
    )
    return whole.model_copy(update=changes)


def broken_off(*claims: ClaimResult) -> Reproduction:
    """Return a reproduction whose only file broke off with these ``claims``."""
    whole = reproduction(*claims, exit_code=4)
    update = {"status": Status.BROKEN, "reason": "the engine left"}
    return whole.model_copy(update={"files": [whole.files[0].model_copy(update=update)]})
