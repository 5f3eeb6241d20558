"""How a person follows a campaign while it runs: a live line on a terminal, else plain lines."""

import time
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as LiveDisplay

from labkit.wire.progress import Pulse
from orchestrator.campaign.verdict import UNDECIDED
from orchestrator.measures.dimensions import RATE, format_value
from orchestrator.results.summary import CaseSummary, Outcome
from orchestrator.scenario.plan import Run
from orchestrator.scenario.server import SKIP, Target

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
        self._pace = Pace(None, None)

    def shown(self) -> AbstractContextManager[object]:
        """Return the context in which progress is on display."""
        return nullcontext()

    def preparing(self, backend: str) -> None:
        """Tell that ``backend`` makes ready."""
        self._say(PREPARING.get(backend, "preparing"))

    def conforming(self, target: Target | None) -> None:
        """Tell that a target is tried first."""
        if target is not None and target.conformance != SKIP:
            self._say(f"{target.name}: held to the conformance suite first, half a minute or so")

    def run_begun(self, number: int, total: int, run: Run) -> None:
        """Tell that ``run``, which is ``number`` of ``total``, has its turn."""
        self._place = f"[{number}/{total}] {run.name}"
        planned = list(run.case.planned().values())
        known = [messages for messages in planned if messages is not None]
        self._planned = sum(known) if len(known) == len(planned) else None
        self._pace = Pace(self._planned, run.case.inputs().get("duration"))

    def step(self, text: str) -> None:
        """Tell which step the run has reached."""
        self._say(f"{self._place}: {text}")

    def fault(self, text: str) -> None:
        """Tell a fault that took place or is over."""
        self._say(f"{self._place}: fault {text}")

    def pulse(self, pulse: Pulse, waiting: int | None = None) -> None:
        """Tell now and then how the run's load gets on; ``waiting`` are not accepted yet."""
        if time.monotonic() - self._said_s >= QUIET_S:
            of_all = "" if self._planned is None else f" of {self._planned}"
            told = self._pace.told(pulse, waiting)
            self._say(f"{self._place}: {pulse.acked}{of_all} acknowledged, {told}")

    def run_ended(self, summary: CaseSummary) -> None:
        """Tell what the run came to."""
        self._say(f"{self._place}: {outcome_of(summary)}")

    def _say(self, text: str) -> None:
        self._said_s = time.monotonic()
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Pace:
    """How fast a load gets on, and how long it will take, from one pulse to the next.

    ``planned`` messages, or ``duration_s`` from the first pulse on; None where that is not known.
    """

    def __init__(self, planned: int | None, duration_s: float | None) -> None:
        self._planned = planned
        self._duration_s = duration_s
        self._first_s = 0.0
        self._last_s = 0.0
        self._last = Pulse()

    def told(self, pulse: Pulse, waiting: int | None = None) -> str:
        """Return the pulse in words: rate, connections, what failed, the time that is left."""
        now_s = time.monotonic()
        self._first_s = self._first_s or now_s
        passed_s = now_s - self._last_s
        rate_per_s = (pulse.acked - self._last.acked) / passed_s if self._last_s else None
        self._last, self._last_s = pulse, now_s
        words = [] if rate_per_s is None else [format_value(rate_per_s, RATE)]
        words.append(f"{pulse.connections} connections")
        words += [f"{waiting} of them wait to be accepted"] if waiting else []
        words += [f"{pulse.failed} failed"] if pulse.failed else []
        words += [f"{pulse.errors} errors"] if pulse.errors else []
        left_s = self._left_s(pulse, rate_per_s, now_s)
        words += [] if left_s is None else [f"{max(left_s, 0):.0f} s left"]
        return ", ".join(words)

    def _left_s(self, pulse: Pulse, rate_per_s: float | None, now_s: float) -> float | None:
        if self._duration_s is not None:
            return self._first_s + self._duration_s - now_s
        if self._planned is None or not rate_per_s:
            return None
        return (self._planned - pulse.acked - pulse.failed) / rate_per_s


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

    def pulse(self, pulse: Pulse, waiting: int | None = None) -> None:
        """Move the bar, and show how the load gets on."""
        description = f"{self._place}: {self._pace.told(pulse, waiting)}"
        self._display.update(self._task, description=description, completed=pulse.acked)

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
