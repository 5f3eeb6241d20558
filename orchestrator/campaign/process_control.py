"""Process control: what a model's server computes beyond ``single`` for the same messages.

Stevens, Fenner and Rudoff, "UNIX Network Programming", volume 1, 3rd edition, fig. 30.1: the CPU
time of a server less that of the iterative one, which serves the same clients and controls no
process. Both times are of one round, so that they share its draws and the state of the host, and
both begin when the server listens: the start of an interpreter controls nothing.

Pure functions of the runs that count. A run without such a partner has no value, but the reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from orchestrator.campaign.evaluate_run import RunEvaluation
from orchestrator.campaign.load_points import CaseKey, case_key, key_of_runs
from orchestrator.campaign.retries import Counted
from orchestrator.campaign.verdict import is_forgivable
from orchestrator.measures.registry import ABOVE_SINGLE, keyed
from orchestrator.results.summary import Expectation, Outcome
from orchestrator.scenario.matrix import points
from orchestrator.scenario.plan import Case
from orchestrator.scenario.scenario import Scenario

BASELINE = "single"
TOTAL, PER_CONNECTION = ABOVE_SINGLE
LOAD = ("sent", "acked", "connected")
"""What two runs of the same load have in common: messages, acks and connections."""


def with_process_control(
    scenario: Scenario, cases: Sequence[Counted], *, accept_invalid: bool
) -> list[Counted]:
    """Return ``cases`` with these measures in each run that counts, or why they are unknown."""
    by_key = {key_of_runs(each.runs): each for each in cases}

    def completed(found: Counted) -> Counted:
        key = _baseline_key(scenario, found.runs[0].run.case)
        single = {} if isinstance(key, str) else _by_repeat(by_key.get(key))
        lacking = key if isinstance(key, str) else ""
        runs = [
            _completed(scenario, each, lacking or _partner(each, single, accept_invalid))
            for each in found.runs
        ]
        return replace(found, runs=runs)

    return [completed(each) for each in cases]


def explained(judged: Iterable[Expectation], runs: Iterable[RunEvaluation]) -> list[Expectation]:
    """Return ``judged``, each unknown one with why these measures of ``runs`` have no value."""
    reasons = [reason for each in runs for reason in each.unknown.items()]

    def reasoned(each: Expectation) -> Expectation:
        of_it = dict.fromkeys(why for name, why in reasons if name in each.expression)
        if each.outcome is not Outcome.UNKNOWN or not of_it:
            return each
        return each.model_copy(update={"reason": "; ".join(filter(None, (each.reason, *of_it)))})

    return [reasoned(each) for each in judged]


def _baseline_key(scenario: Scenario, case: Case) -> CaseKey | str:
    """Return the case of ``single`` with the load of ``case``, or why there is none."""
    if BASELINE not in scenario.models:
        return f"{BASELINE} is not among the models"
    keys = {
        case_key(BASELINE, scenario.axes_of(BASELINE, point))
        for point in points(scenario.matrix)
        if scenario.axes_of(case.model, point) == case.axes
    }
    return keys.pop() if len(keys) == 1 else f"{BASELINE} has several cases beside it"


def _by_repeat(found: Counted | None) -> dict[int, RunEvaluation]:
    return {each.run.repeat: each for each in found.runs} if found else {}


def _partner(
    each: RunEvaluation, single: Mapping[int, RunEvaluation], accept_invalid: bool
) -> RunEvaluation | str:
    """Return the run of ``single`` to compare ``each`` with, or why there is none."""
    other = single.get(each.run.repeat)
    if other is None:
        return f"{BASELINE} has no run beside it that counts"
    if other.summary.invalid and not (accept_invalid and is_forgivable(other.summary)):
        return f"{BASELINE} is invalid as a measurement"
    return next(_differences(each, other), other)


def _differences(each: RunEvaluation, other: RunEvaluation) -> Iterator[str]:
    """Yield why the runs cannot be compared: another load, or a CPU time that is unknown."""
    if each.run.case.seed != other.run.case.seed:
        yield f"{BASELINE} had other draws"
    model = each.run.case.model
    for name in LOAD:
        own, of_single = each.values.get(name), other.values.get(name)
        if own != of_single or own is None:
            counts = f"{_count(of_single)} {name}, and {model} {_count(own)}"
            yield f"{BASELINE} had another load: {counts}"
    for run in (other, each):
        if _cpu_s(run) is None:
            yield f"the CPU time of {run.run.case.model} is unknown"


def _count(value: float | None) -> str:
    return "an unknown number of" if value is None else f"{value:.0f}"


def _cpu_s(each: RunEvaluation) -> float | None:
    """Return the server's CPU time from when it listened to its end."""
    per_message_s, acked = each.values.get("cpu_time_per_message"), each.values.get("acked")
    return None if per_message_s is None or acked is None else per_message_s * acked


def _completed(
    scenario: Scenario, each: RunEvaluation, partner: RunEvaluation | str
) -> RunEvaluation:
    """Return ``each`` with the measures against ``partner``, or the reason that stands for it."""
    if isinstance(partner, str):
        is_named = any(name in scenario.shown for name in ABOVE_SINGLE)
        notes = [f"{TOTAL} is unknown: {partner}"] if is_named else []
        summary = each.summary.model_copy(update={"notes": [*each.summary.notes, *notes]})
        return replace(each, summary=summary, unknown=dict.fromkeys(ABOVE_SINGLE, partner))
    above_s = (_cpu_s(each) or 0.0) - (_cpu_s(partner) or 0.0)
    connected = each.values["connected"]
    found = {TOTAL: above_s, PER_CONNECTION: above_s / connected if connected else None}
    measures = {**each.summary.measures, **keyed(found)}
    return replace(
        each,
        summary=each.summary.model_copy(update={"measures": measures}),
        values={**each.values, **found},
    )
