"""Loads whose verdicts are known, and searches of any kind over them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.capacity.search import Step
from orchestrator.results.capacity import Verdict

Truth = Callable[[Step], Verdict]


class Searching(Protocol):
    """What a `Search` and a `CaseSearch` have in common."""

    @property
    def lower(self) -> float | None: ...
    @property
    def upper(self) -> float | None: ...
    @property
    def ended(self) -> str: ...
    @property
    def is_complete(self) -> bool: ...
    @property
    def is_confirmed(self) -> bool: ...
    def next(self) -> Step | None: ...
    def record(self, verdict: Verdict) -> None: ...


@dataclass
class Tried:
    """What a search did until it ended."""

    steps: list[Step] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def loads(self) -> list[float]:
        """The loads in order, rounded to what tests write by hand."""
        return [round(step.load, 3) for step in self.steps]


def run(search: Searching, truth: Truth, most: int = 100) -> Tried:
    """Search to the end; fail if it takes more than ``most`` loads."""
    tried = Tried()
    while (step := search.next()) is not None:
        assert len(tried.steps) < most, "the search does not end"
        assert search.next() == step
        verdict = truth(step)
        search.record(verdict)
        tried.steps.append(step)
        tried.verdicts.append(verdict)
    assert search.ended
    return tried


def monotone(capacity: float, below: float = 0.0, above: float = 0.0) -> Truth:
    """Return verdicts that hold up to ``capacity``; shares around it are undecided."""

    def truth(step: Step) -> Verdict:
        if step.load <= capacity * (1 - below):
            return Verdict.HOLDS
        return Verdict.FAILS if step.load > capacity * (1 + above) else Verdict.UNDECIDED

    return truth


def in_turn(*verdicts: Verdict) -> Truth:
    """Return ``verdicts`` one after another, whatever the load; then undecided ones."""
    remaining = list(verdicts)
    return lambda _: remaining.pop(0) if remaining else Verdict.UNDECIDED
