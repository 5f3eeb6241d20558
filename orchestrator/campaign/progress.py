"""Prints the progress of a campaign: a live line on a terminal, plain lines elsewhere."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as LiveDisplay

from labkit.wire.progress import Pulse
from orchestrator.campaign.verdict import UNDECIDED
from orchestrator.measures.dimensions import RATE, TIME, format_value
from orchestrator.measures.sentences import counted
from orchestrator.results.summary import CaseSummary, Outcome, RunSummary
from orchestrator.scenario.plan import Run
from orchestrator.scenario.server import SKIP, Target

PREPARING = {
    "docker": "building images whose sources changed; the first time takes a minute",
    "process": "starting plain local processes",
    "swarm": "building images whose sources changed, and copying what a host lacks",
}
WAITED_FOR = {
    "docker": "the Docker engine: preparing images",
    "swarm": "the Docker engines: preparing images",
}
QUIET_S = 10.0
NO_PULSE_S = 3.0
LOOK_EVERY_S = 0.5


def follow(console: Console) -> "Progress":
    """Return the progress display for ``console``."""
    return LiveLine(console) if console.is_terminal else Progress(console)


class Progress:
    """Plain lines: one for each step of a run, and one for its load every `QUIET_S` seconds.

    After `QUIET_S` without a line one says what is waited for.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._place = ""
        self._planned: int | None = 0
        self._printed_s = 0.0
        self._pulsed_s = 0.0
        self._waited_for = ""
        self._pace = Pace(None, None)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Display progress, also while nothing happens."""
        is_over = threading.Event()
        self._printed_s = time.monotonic()
        thread = threading.Thread(target=self._watch, args=[is_over], name="wait", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def _watch(self, is_over: threading.Event) -> None:
        while not is_over.wait(LOOK_EVERY_S):
            self.break_silence()

    def waits_for(self, what: str) -> None:
        """Remember what is waited for from now on."""
        self._waited_for = what

    def break_silence(self) -> None:
        """Print what is waited for if nothing was printed for `QUIET_S`, and no pulse will be."""
        now_s = time.monotonic()
        is_quiet = now_s - self._printed_s >= QUIET_S and now_s - self._pulsed_s >= NO_PULSE_S
        if is_quiet and self._waited_for:
            place = f"{self._place}: " if self._place else ""
            self._show_wait(f"{place}waiting for {self._waited_for}")

    def _show_wait(self, text: str) -> None:
        self._print(text)

    def preparing(self, backend: str) -> None:
        """Print that ``backend`` is being prepared."""
        self.waits_for(WAITED_FOR.get(backend, "the preparation"))
        self._print(PREPARING.get(backend, "preparing"))

    def conforming(self, target: Target | None) -> None:
        """Print that the conformance suite tests the target, unless it is skipped."""
        if target is not None and target.conformance != SKIP:
            self.waits_for("the conformance suite")
            self._print(f"{target.name}: running the conformance suite first, about half a minute")

    def run_begun(self, number: int, total: int, run: Run) -> None:
        """Remember ``run``, which is ``number`` of ``total``, as the current one."""
        self._place = f"[{number}/{total}] {run.name}"
        planned = list(run.case.planned().values())
        known = [messages for messages in planned if messages is not None]
        self._planned = sum(known) if len(known) == len(planned) else None
        self._pace = Pace(self._planned, run.case.inputs().get("duration"))

    def step(self, text: str) -> None:
        """Print the step that the run has reached."""
        self.waits_for(f"the end of this step: {text}")
        self._print(f"{self._place}: {text}")

    def fault(self, text: str) -> None:
        """Print a fault that was injected or reverted."""
        self._print(f"{self._place}: fault {text}")

    def pulse(self, pulse: Pulse, waiting: int | None = None) -> None:
        """Print the load's progress at most every `QUIET_S`; ``waiting`` are not accepted yet."""
        self._pulsed_s = time.monotonic()
        if self._pulsed_s - self._printed_s >= QUIET_S:
            of_all = "" if self._planned is None else f" of {self._planned}"
            pace = self._pace.describe(pulse, waiting)
            self._print(f"{self._place}: {pulse.acked}{of_all} acknowledged, {pace}")

    def run_ended(self, summary: CaseSummary) -> None:
        """Print the result of the case so far."""
        self._print(f"{self._place}: {outcome_of(summary)}")

    def run_disturbed(self, run: RunSummary) -> None:
        """Print that the host disturbed the run, so that it does not count."""
        self._print(f"{self._place}: disturbed by the host: {run.invalid[0]}")

    def note(self, text: str) -> None:
        """Print a line of its own."""
        self._print(text)

    def _print(self, text: str) -> None:
        self._printed_s = time.monotonic()
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class Pace:
    """The rate of a load and the time that it has left, from one pulse to the next.

    The load ends after ``planned`` messages or ``duration_s`` after the first pulse; each is None
    if it is not known.
    """

    def __init__(self, planned: int | None, duration_s: float | None) -> None:
        self._planned = planned
        self._duration_s = duration_s
        self._first_s = 0.0
        self._last_s = 0.0
        self._last = Pulse()

    def describe(self, pulse: Pulse, waiting: int | None = None) -> str:
        """Return the pulse as text: rate, connections, failures, errors, time left."""
        now_s = time.monotonic()
        self._first_s = self._first_s or now_s
        elapsed_s = now_s - self._last_s
        rate_per_s = (pulse.acked - self._last.acked) / elapsed_s if self._last_s else None
        self._last, self._last_s = pulse, now_s
        words = [] if rate_per_s is None else [format_value(rate_per_s, RATE)]
        words.append(counted(pulse.connections, "connections"))
        words += (
            [f"{waiting} of them {'waits' if waiting == 1 else 'wait'} to be accepted"]
            if waiting
            else []
        )
        words += [f"{pulse.failed} failed"] if pulse.failed else []
        words += [counted(pulse.errors, "errors")] if pulse.errors else []
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
    """One line that is redrawn; the result of each run stays above it."""

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

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the live display, which restores the terminal when it ends."""
        with self._display, super().shown():
            yield

    def _show_wait(self, text: str) -> None:
        self._printed_s = time.monotonic()
        self._display.update(self._task, description=text)

    def step(self, text: str) -> None:
        """Show the step that the run has reached."""
        self._printed_s = time.monotonic()
        self.waits_for(f"the end of this step: {text}")
        description = f"{self._place}: {text}"
        self._display.update(self._task, description=description, total=self._planned)

    def pulse(self, pulse: Pulse, waiting: int | None = None) -> None:
        """Advance the bar and show the rate and the time left."""
        self._pulsed_s = time.monotonic()
        description = f"{self._place}: {self._pace.describe(pulse, waiting)}"
        self._display.update(self._task, description=description, completed=pulse.acked)

    def run_ended(self, summary: CaseSummary) -> None:
        """Print the result of the case so far and empty the bar."""
        super().run_ended(summary)
        self._display.reset(self._task, total=None, description="")

    def run_disturbed(self, run: RunSummary) -> None:
        """Print that the run does not count and empty the bar."""
        super().run_disturbed(run)
        self._display.reset(self._task, total=None, description="")


def outcome_of(case: CaseSummary) -> str:
    """Return the result of a case in a few words."""
    aborted = next((run.aborted for run in case.runs if run.aborted), None)
    if aborted:
        at = format_value(aborted.at_s, TIME)
        return f"aborted after {at}: {aborted.expression}, {aborted.left} vs {aborted.right}"
    outcomes = [each.outcome for each in case.expectations]
    total = counted(len(outcomes), "expectations")
    if case.invalid:
        return "invalid as a measurement"
    if Outcome.FAILED in outcomes:
        return f"{outcomes.count(Outcome.FAILED)} of {total} failed"
    undecided = sum(outcomes.count(each) for each in UNDECIDED)
    if undecided:
        return f"{undecided} of {total} undecided"
    return f"all {total} hold" if len(outcomes) > 1 else "the expectation holds"
