"""How a person follows a campaign while it runs: a live line on a terminal, else plain lines."""

import time
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as LiveDisplay

from orchestrator.plan import Run
from orchestrator.summary import CaseSummary, Outcome
from orchestrator.verdict import UNDECIDED

PREPARING = {
    "docker": "building images where sources changed; the first time takes a minute",
    "process": "starting plain local processes",
}
QUIET_S = 10.0


def follow(console: Console) -> "Progress":
    """Return what suits ``console``."""
    return LiveLine(console) if console.is_terminal else Progress(console)


class Progress:
    """Plain lines: one for each run that begins and ends, and one now and then between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._place = ""
        self._planned: int | None = 0
        self._said_s = 0.0

    def shown(self) -> AbstractContextManager[object]:
        """Return the context in which progress is on display."""
        return nullcontext()

    def preparing(self, backend: str) -> None:
        """Tell that ``backend`` makes ready."""
        self._say(PREPARING.get(backend, "preparing"))

    def run_begun(self, number: int, total: int, run: Run) -> None:
        """Tell that ``run``, which is ``number`` of ``total``, has its turn."""
        self._place = f"[{number}/{total}] {run.name}"
        planned = list(run.case.planned().values())
        known = [messages for messages in planned if messages is not None]
        self._planned = sum(known) if len(known) == len(planned) else None

    def step(self, text: str) -> None:
        """Tell which step the run has reached."""
        self._say(f"{self._place}: {text}")

    def acked(self, messages: int) -> None:
        """Tell how many of the run's messages have been acknowledged."""
        if time.monotonic() - self._said_s >= QUIET_S:
            of_all = "" if self._planned is None else f" of {self._planned}"
            self._say(f"{self._place}: {messages}{of_all} acknowledged")

    def run_ended(self, summary: CaseSummary) -> None:
        """Tell what the run came to."""
        self._say(f"{self._place}: {outcome_of(summary)}")

    def _say(self, text: str) -> None:
        self._said_s = time.monotonic()
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class LiveLine(Progress):
    """One line that moves; what each run came to stays above it."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._display = LiveDisplay(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._display.add_task("", total=None)

    def shown(self) -> AbstractContextManager[object]:
        """Return the live display, which restores the terminal when it ends."""
        return self._display

    def step(self, text: str) -> None:
        """Show which step the run has reached."""
        description = f"{self._place}: {text}"
        self._display.update(self._task, description=description, total=self._planned)

    def acked(self, messages: int) -> None:
        """Move the bar."""
        self._display.update(self._task, completed=messages)

    def run_ended(self, summary: CaseSummary) -> None:
        """Tell what the run came to, and empty the bar."""
        super().run_ended(summary)
        self._display.reset(self._task, total=None, description="")


def outcome_of(case: CaseSummary) -> str:
    """Say in a few words what a case came to."""
    outcomes = [each.outcome for each in case.expectations]
    if case.invalid:
        return "invalid as a measurement"
    if Outcome.FAILED in outcomes:
        return f"{outcomes.count(Outcome.FAILED)} of {len(outcomes)} expectations failed"
    undecided = sum(outcomes.count(each) for each in UNDECIDED)
    if undecided:
        return f"{undecided} of {len(outcomes)} expectations undecided"
    return f"all {len(outcomes)} expectations hold"
