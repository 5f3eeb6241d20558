"""What changed from one picture to the next, and why, in one sentence for each model."""

from collections.abc import Mapping

from labkit.workload.profile import NS_PER_S
from orchestrator.explore.play.causes import awaited, cause
from orchestrator.explore.play.changes import change_text
from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.outcome import Outcome
from orchestrator.measures.dimensions import TIME
from orchestrator.measures.sentences import counted, value_text
from orchestrator.twin.connector import SYN_INSTANTS_NS

Outcomes = Mapping[str, Outcome]
"""The outcomes by model, of those models that have a twin."""

MINUS = "\N{MINUS SIGN}"
GIVE_UP_S = SYN_INSTANTS_NS[-1] // NS_PER_S
LEAST_S = 1e-6
"""A shorter difference is an error of rounding."""


def sentence(new: tuple[Controls, Outcomes], old: tuple[Controls, Outcomes] | None = None) -> str:
    """Return what the picture ``new`` shows, and how it differs from ``old``, the one before it."""
    controls, outcomes = new
    before, known = (controls, {}) if old is None else old
    changed = change_text(controls, before)
    clauses = [
        _clause(each, known.get(model), controls, is_comparable=controls.load == before.load)
        for model, each in outcomes.items()
    ]
    if not clauses:
        return "The twin has no prediction for these controls."
    if not changed and old is not None:
        changed = "Nothing changed"
    first, *others = clauses
    text = " ".join([f"{changed}: {first}" if changed else _capital(first), *map(_capital, others)])
    return _capital(text)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _clause(
    outcome: Outcome, before: Outcome | None, controls: Controls, *, is_comparable: bool
) -> str:
    known = before if is_comparable else None
    model = outcome.run.case.model
    who = _who_waits(outcome, known, controls)
    took = _how_long(outcome, known, controls)
    return f"in {model} {who}, and {took}, as {cause(outcome, controls)}.{_backlog(outcome)}"


def _who_waits(outcome: Outcome, before: Outcome | None, controls: Controls) -> str:
    """Return who waits, and how many did before."""
    now, nouns = outcome.waiting, controls.nouns
    one = nouns.removesuffix("s")
    then = None if before is None else before.waiting
    if not now:
        return f"no {one} waits any more" if then else f"no {one} waits"
    place = awaited(outcome)
    if len(now) == 1 and not then and not controls.is_open:
        return f"one of {counted(outcome.count, nouns)}, user {now[0] - 1}, waits for {place}"
    verb = "waits" if len(now) == 1 else "wait"
    counts = f"{len(now)} of {counted(outcome.count, nouns)} {verb} for {place}"
    if before is None or then is None or (len(then), before.count) == (len(now), outcome.count):
        return counts
    return f"{counts} instead of {len(then) or 'none'} of {before.count}"


def _how_long(outcome: Outcome, before: Outcome | None, controls: Controls) -> str:
    """Return when the last ack comes, or how long arrivals wait, and by how much that moved."""
    name = "wait_mean" if controls.is_open else "makespan"
    now_s = outcome.figures[name] or 0.0
    text = value_text(now_s, TIME)
    what = f"the mean wait is {text}" if controls.is_open else f"the last ack comes at {text}"
    if before is None:
        return what
    moved_s = now_s - (before.figures[name] or 0.0)
    if abs(moved_s) < LEAST_S:
        return f"{what} as before"
    return f"{what} ({'+' if moved_s > 0 else MINUS}{value_text(abs(moved_s), TIME)})"


def _backlog(outcome: Outcome) -> str:
    """Return what a full accept queue does; empty if no connect finds it full."""
    if not outcome.left_out:
        return ""
    find, are = ("finds", "is") if outcome.left_out == 1 else ("find", "are")
    connects = f"{counted(outcome.left_out, 'connects')} {find}"
    queue = "its accept queue" if outcome.run.discipline.is_split else "the accept queue"
    text = f"{connects} {queue} full (it holds {outcome.places}) and {are} tried again after 1 s"
    if outcome.is_idle_before_retry:
        text += ", although a worker is idle before that"
    if outcome.unconnected:
        text += f"; {outcome.unconnected} of them fail after {GIVE_UP_S} s"
    return f" There, {text}."
