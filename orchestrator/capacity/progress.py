"""Prints the progress of a search: a line for each load and case, with the time that is left."""

import time
from collections.abc import Callable

from rich.console import Console

from labkit.wire.progress import Pulse
from orchestrator.campaign.progress import LiveLine, Progress
from orchestrator.capacity.figures import LIMITED_BY, bounds_text, has_figure, missing_figure
from orchestrator.capacity.searched_group import SearchedGroup
from orchestrator.execution.run_case import ProgressCallbacks
from orchestrator.measures.sentences import counted
from orchestrator.results.capacity import CaseCapacity, LoadResult
from orchestrator.scenario.plan import Case, Run

MINUTE_S = 60.0
LONG_TRIAL_S = 30.0
LONG_S = 90.0


class _Quiet(Progress):
    """Plain lines without those of each step: a search has many short trials."""

    def step(self, text: str) -> None:
        """Remember the step that the trial has reached."""
        self.waits_for(f"the end of this step: {text}")

    def pulse(self, pulse: Pulse, waiting: int | None = None) -> None:
        """Print the progress of a trial that takes long."""
        if time.monotonic() - self._printed_s >= LONG_TRIAL_S:
            super().pulse(pulse, waiting)
        self._pulsed_s = time.monotonic()


class TimeLeft:
    """How long the cases that are left take, if they take as long as those that have ended."""

    def __init__(self, cases: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._cases = cases
        self._clock = clock
        self._begun_s = self._since_s = clock()
        self._ended = 0

    def case_ended(self) -> None:
        """Count a case."""
        self._ended += 1
        self._since_s = self._clock()

    @property
    def left_s(self) -> float | None:
        """The time that is left, None while no case has ended."""
        if not self._ended:
            return None
        each_s = (self._since_s - self._begun_s) / self._ended
        in_case_s = self._clock() - self._since_s
        return max(each_s * (self._cases - self._ended) - in_case_s, 0.0)

    def __str__(self) -> str:
        left_s = self.left_s
        if not left_s or self._ended == self._cases:
            return ""
        if left_s < LONG_S:
            return f"; about {left_s:.0f} s left"
        return f"; about {left_s / MINUTE_S:.0f} min left"


class SearchProgress:
    """The progress of all cases of a search on ``console``."""

    def __init__(self, console: Console, group: SearchedGroup, cases: int) -> None:
        self._lines = LiveLine(console) if console.is_terminal else _Quiet(console)
        self._group = group
        self._cases = cases
        self._left = TimeLeft(cases)
        self._number = 0
        self._case = ""
        self.shown = self._lines.shown
        self.preparing = self._lines.preparing
        self.conforming = self._lines.conforming

    @property
    def callbacks(self) -> ProgressCallbacks:
        """What a trial reports while it runs."""
        lines = self._lines
        return ProgressCallbacks(lines.step, lines.pulse, lines.fault, lines.waits_for)

    def planning(self, case: Case) -> None:
        """Remember that the twin of a case is simulated."""
        self._lines.waits_for(f"the twin of {case.name}, which is simulated")

    def case_begun(self, case: Case, predicted: float | None) -> None:
        """Print the case that is searched from now on, and the capacity of its twin."""
        self._number += 1
        self._case = f"[{self._number}/{self._cases}] {case.name}"
        twin = "" if predicted is None else f"; its twin bears {self._group.text(predicted)}"
        self._lines.note(f"{self._case}: searching{twin}{self._left}")

    def trial_begun(self, case: Case) -> None:
        """Remember the trial that begins, a run of ``case`` under its load."""
        self._lines.run_begun(self._number, self._cases, Run(case, 1, 1))

    def load_ended(self, found: LoadResult) -> None:
        """Print the verdict of a load."""
        again = " (confirmation)" if found.is_confirmation else ""
        trials = counted(len(found.trials), "trials")
        self._lines.note(
            f"{self._case}: {self._group.text(found.load)} {found.verdict.value}{again}, {trials}: "
            f"{found.reason}{self._left}"
        )

    def case_ended(self, found: CaseCapacity) -> None:
        """Print the bounds of a case."""
        self._left.case_ended()
        self._lines.note(f"{self._case}: {_what_it_bears(found, self._group)}{self._left}")


def _what_it_bears(found: CaseCapacity, group: SearchedGroup) -> str:
    if not has_figure(found):
        return missing_figure(found)
    limit = LIMITED_BY.get(found.limited_by) or missing_figure(found)
    return ", ".join(filter(None, [f"bears {bounds_text(found, group.kind)}", limit]))
