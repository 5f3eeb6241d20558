"""Judges expectations, validity rules and guesses by measured values; decides the exit code.

Pure functions. An expectation of a measure that is unknown has not passed. A guess is graded by the
run and by the twin; it does not affect the exit code.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from labkit.wire.samples import FAILURES
from orchestrator.campaign.repeats import confidence_of
from orchestrator.measures.bounds import Values
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.expression import Expression, fewest_repeats, parse_expression
from orchestrator.measures.registry import MEASURES, full_name
from orchestrator.measures.sentences import counted
from orchestrator.measures.views import PREDICTED, VIEWS
from orchestrator.results.exit_codes import BROKEN, FAILS, HOLDS, INTERRUPTED, INVALID
from orchestrator.results.summary import (
    Abort,
    CaseSummary,
    Comparison,
    Expectation,
    Grade,
    Guess,
    Outcome,
    Reason,
    ReasonKind,
    RunSummary,
    Status,
)
from orchestrator.scenario.guesses import is_made

CERTAIN = ("timed_out", "server_exit_code")
"""Expected of every case; a failure counts even if the case is invalid as a measurement."""

TOTALS: Mapping[str, Sequence[str]] = {"errors": FAILURES, "unsent": ("dropped",)}
"""Expected to be 0 in every case, less the parts of them that the scenario names."""

FORGIVABLE = (ReasonKind.DISTURBED_HOST, ReasonKind.DISTURBED_RUN)
OF_HOST = ("host_", "orchestrator_")
"""How the measures of what runs beside servers and clients begin."""

SHOWN = 3
"""How many machines a reason names."""

ACKED = "acked > 0"
DELAY = "host_delay"
WAIVE_ACKED = ("acked", "refused", "errors")
"""A scenario that names one of these has its own say about a case in which nothing is acked."""


def judge(
    expectations: Sequence[Expression],
    values: Values,
    repeats: Sequence[Values] = (),
    senders: Collection[str] = (),
) -> list[Expectation]:
    """Judge the expectations of a case and the implied ones.

    ``values`` are the case's measures by name, those of its groups as ``group.measure``;
    ``repeats`` are the same of each repeat, for expectations with a confidence. The implied ones
    must hold in each repeat. ``senders`` are the groups that are to send messages.
    """
    named = _named(expectations)
    each_run = repeats or [values]
    implied = [
        _as_implied(_worst([_judge(each, run, ()) for run in each_run if _is_known(each, run)]))
        for each in _implied(named, values)
        if any(_is_known(each, run) for run in each_run)
    ]
    judged = [*judge_alone(expectations, values, repeats), *implied]
    is_waived = any(measure in WAIVE_ACKED for _, measure in named)
    if not is_waived and any(map(_is_unanswered, each_run)):
        return [*judged, _NOTHING_ACKED]
    return [*judged, *map(_as_implied, _idle_groups(named, senders, each_run))]


def aborted_as(abort: Abort, left_out: int = 0) -> Expectation:
    """Return what is expected of every run, that it is not aborted, as it failed in this one.

    ``left_out`` are the repeats after it.
    """
    ended = f"the load was ended after {format_value(abort.at_s, TIME)}"
    repeats = f", and {counted(left_out, 'repeats')} left out" if left_out else ""
    return Expectation(
        expression=f"aborted: {abort.expression}",
        outcome=Outcome.FAILED,
        left=abort.left,
        right=abort.right,
        reason=ended + repeats,
        is_implied=True,
    )


def _as_implied(judged: Expectation) -> Expectation:
    return judged.model_copy(update={"is_implied": True})


_Named = AbstractSet[tuple[str, str]]
_NOTHING_ACKED = Expectation(
    expression=ACKED,
    outcome=Outcome.UNKNOWN,
    left="",
    right="0",
    reason="nothing was acknowledged, so nothing was measured",
    is_implied=True,
)


def _named(expectations: Sequence[Expression]) -> _Named:
    """Return the measures that ``expectations`` name, each with its group, empty for the case.

    A measure of a window, of the slowest messages or of the twin says nothing of the whole run.
    """
    names = [name for each in expectations for name in each.names]
    return {(name.group, full_name(name.own_name)) for name in names if name.group not in VIEWS}


def _implied(named: _Named, values: Values) -> Iterator[Expression]:
    """Yield what is expected of every case, as far as the scenario does not name it."""
    for measure in CERTAIN:
        if all(own != measure for _, own in named):
            yield parse_expression(f"{measure} == 0")
    for total, parts in TOTALS.items():
        if ("", total) in named:
            continue
        of_groups = {group for group, own in named if own in (total, *parts)} - {""}
        groups = _groups_with(total, values) if of_groups else [""]
        for group in groups:
            if (group, total) not in named:
                less = [part for part in parts if {("", part), (group, part)} & named]
                prefix = f"{group}." if group else ""
                left = " - ".join(f"{prefix}{each}" for each in (total, *less))
                yield parse_expression(f"{left} == 0")


def _groups_with(measure: str, values: Values) -> list[str]:
    groups = [name.rpartition(".")[0] for name in values if name.endswith(f".{measure}")]
    return [group for group in groups if group not in VIEWS]


def _idle_groups(
    named: _Named, senders: Collection[str], runs: Sequence[Values]
) -> Iterator[Expectation]:
    """Yield what is unknown of a group for which no message was planned, such as a rate of 0/s.

    All its counts are 0, so an expectation of them would hold without a measurement.
    """
    for group in sorted(senders):
        is_waived = any((each, own) in named for each in ("", group) for own in WAIVE_ACKED)
        planned = [(run.get(f"{group}.sent"), run.get(f"{group}.unsent")) for run in runs]
        if not is_waived and (0.0, 0.0) in planned:
            yield Expectation(
                expression=f"{group}.sent > 0",
                outcome=Outcome.UNKNOWN,
                left="0",
                right="0",
                reason="no message of the group was due, so nothing was measured",
            )


def _is_known(expression: Expression, values: Values) -> bool:
    """Return whether all values are known: the exit code of a remote target, for one, is not."""
    return all(values.get(name) is not None for name in expression.value_names)


def _worst(judged: Sequence[Expectation]) -> Expectation:
    return next((each for each in judged if each.outcome is not Outcome.PASSED), judged[0])


def _is_unanswered(values: Values) -> bool:
    """Return whether no message that counts was acknowledged."""
    return "unanswered" in values and values["unanswered"] in (None, 1.0)


def judge_alone(
    expectations: Sequence[Expression], values: Values, repeats: Sequence[Values]
) -> list[Expectation]:
    """Judge ``expectations`` without the implied ones."""
    return [_judge(each, values, repeats) for each in expectations]


BUSY = "host_busy"
WITHOUT_DELAYS = parse_expression("host_busy < 25%")
"""Replaces a rule about ``host_delay`` if that is unknown: a program that uses more may delay."""


def judge_predicted(expectations: Sequence[Expression], values: Values) -> list[Expectation]:
    """Judge ``expectations`` by the predicted ``values``, of which there is one of each.

    A confidence is left out, since a prediction has no repeats. What compares a run with its twin,
    such as ``p99 ~= predicted.p99 within 10%``, is unknown.
    """
    certain = [
        replace(each, comparison=replace(each.comparison, confidence=None)) for each in expectations
    ]
    return judge_alone(certain, values, ())


def broken_rules(
    validity: Sequence[Expression], values: Values, machines: Mapping[str, Values] | None = None
) -> list[Reason]:
    """Return the rules of ``validity`` that a run breaks; an unknown measure breaks none.

    But if ``host_delay`` is unknown, the CPU time of other programs counts instead. ``machines``
    are the measures of the host of each machine of several, which the reasons name.
    """
    is_unknown = values.get(DELAY) is None
    used = (
        WITHOUT_DELAYS if is_unknown and DELAY in each.value_names else each for each in validity
    )
    rules = list(dict.fromkeys(used))
    judged = judge_alone(rules, values, ())
    return [
        Reason(
            _kind(rule),
            f"{each.expression} does not hold, {each.left} vs {each.right}"
            + _by_machine(rule, machines or {}),
        )
        for rule, each in zip(rules, judged, strict=True)
        if each.outcome is Outcome.FAILED
    ]


def _kind(rule: Expression) -> ReasonKind:
    """Return whether a rule that does not hold shows that the host was disturbed.

    One about clients or servers alone, such as ``makespan < 1s``, does not.
    """
    is_of_host = any(name.own_name.startswith(OF_HOST) for name in rule.names)
    return ReasonKind.DISTURBED_HOST if is_of_host else ReasonKind.DISTURBED_RUN


def _by_machine(rule: Expression, machines: Mapping[str, Values]) -> str:
    """Return where a rule about the host does not hold: its figures by machine, the worst first."""
    found = [
        (value, machine)
        for name in rule.value_names
        for machine, values in machines.items()
        if (value := values.get(name)) is not None
    ]
    shown = [f"{machine} {value:.1%}" for value, machine in sorted(found, reverse=True)]
    more = [f"{len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return f" ({', '.join([*shown[:SHOWN], *more])})" if shown else ""


def replaced_rules(validity: Sequence[Expression], values: Values) -> Iterator[str]:
    """Yield which rules were replaced because ``host_delay`` is unknown.

    If ``host_busy`` is, too, none could be.
    """
    if values.get(DELAY) is None and values.get(BUSY) is not None:
        for rule in validity:
            if DELAY in rule.value_names:
                yield f"{DELAY} is unknown, so {WITHOUT_DELAYS} was checked instead of {rule}"


def _judge(expression: Expression, values: Values, repeats: Sequence[Values]) -> Expectation:
    result = expression.evaluate(values)
    outcome, reason = _OUTCOMES[result.passed], result.reason
    if expression.confidence is not None and result.passed is not None:
        outcome, reason = _with_confidence(expression, expression.confidence, repeats)
    left, right = expression.side_texts(result)
    return Expectation(
        expression=expression.text, outcome=outcome, left=left, right=right, reason=reason
    )


def _with_confidence(
    expression: Expression, confidence: float, repeats: Sequence[Values]
) -> tuple[Outcome, str]:
    """Return the outcome that the repeats support, and the reason for it."""
    fewest = fewest_repeats(confidence)
    if len(repeats) < fewest:
        reason = f"{counted(len(repeats), 'repeats')}; confidence needs at least {fewest}"
        return Outcome.INCONCLUSIVE, reason
    least = confidence_of(expression, repeats)
    most = confidence_of(expression, repeats, if_undecided=True)
    if least is None or most is None:
        return Outcome.UNKNOWN, "a repeat has no value"
    shown = " to ".join(f"{each:.1%}" for each in dict.fromkeys((least, most)))
    reason = f"confidence that it holds: {shown}"
    if least >= confidence:
        return Outcome.PASSED, reason
    return (Outcome.FAILED if most <= 1 - confidence else Outcome.INCONCLUSIVE), reason


INCOMPLETE_CODES = {
    Status.BROKEN: BROKEN,
    Status.INTERRUPTED: INTERRUPTED,
    Status.NONCONFORMING: FAILS,
}
"""The exit code of a campaign, or of a capacity search, that did not complete."""

_OUTCOMES = {True: Outcome.PASSED, False: Outcome.FAILED, None: Outcome.UNKNOWN}
UNDECIDED = (Outcome.UNKNOWN, Outcome.INCONCLUSIVE)


def exit_code(
    status: Status,
    cases: Iterable[CaseSummary],
    comparisons: Iterable[Comparison] = (),
    *,
    accept_invalid: bool = False,
) -> int:
    """Return the exit code of a campaign; the most serious finding decides.

    A case that timed out or was aborted, or whose server crashed, has failed even if it is invalid
    as a measurement. The expectations of other invalid cases count only with ``accept_invalid``,
    and only if `is_forgivable`.
    """
    if status is not Status.COMPLETE:
        return INCOMPLETE_CODES[status]
    codes = {_case_code(case, accept_invalid) for case in cases}
    codes |= {_code([each.outcome for each in models.expectations]) for models in comparisons}
    return next((code for code in (FAILS, INVALID) if code in codes), HOLDS)


def is_forgivable(found: CaseSummary | RunSummary) -> bool:
    """Return whether every reason why ``found`` is invalid is one of `FORGIVABLE`.

    Older results have reasons without a kind, which are not forgiven.
    """
    forgiven = sum(kind in FORGIVABLE for kind in found.invalid_kinds)
    return len(found.invalid) == forgiven


def has_busy_host(found: CaseSummary | RunSummary) -> bool:
    """Return whether ``found`` is invalid because of the host, and for no unforgivable reason."""
    return ReasonKind.DISTURBED_HOST in found.invalid_kinds and is_forgivable(found)


def is_aborted(case: CaseSummary) -> bool:
    """Return whether the load of one of the runs of ``case`` was ended before its time."""
    return any(run.aborted for run in case.runs)


def _case_code(case: CaseSummary, accept_invalid: bool) -> int:
    implied = [f"{measure} == 0" for measure in CERTAIN]
    failed = [each for each in case.expectations if each.outcome is Outcome.FAILED]
    if any(each.expression in implied for each in failed) or is_aborted(case):
        return FAILS
    return (
        INVALID
        if case.invalid and not (accept_invalid and is_forgivable(case))
        else _code([each.outcome for each in case.expectations])
    )


def _code(outcomes: Sequence[Outcome]) -> int:
    if any(outcome in UNDECIDED for outcome in outcomes):
        return INVALID
    return FAILS if Outcome.FAILED in outcomes else HOLDS


def grade(guesses: Sequence[Expression], values: Values) -> list[Guess]:
    """Grade ``guesses`` by a case's measures, which include the predicted ones."""
    return [_grade(each, values) for each in guesses]


def _grade(guess: Expression, values: Values) -> Guess:
    measured = guess.evaluate(values)
    predicted = guess.evaluate(_predicted_values(values))
    return Guess(
        expression=guess.text,
        grade=_GRADES[measured.passed] if is_made(guess) else Grade.NO_GUESS,
        measured="" if measured.left is None else guess.side_text(measured.left),
        twin=_GRADES[predicted.passed] if is_made(guess) else Grade.NO_GUESS,
        predicted="" if predicted.left is None else guess.side_text(predicted.left),
    )


def _predicted_values(values: Values) -> Values:
    """Return the configured and the predicted values, by the names of the measured ones."""
    configured = {
        name: value
        for name, value in values.items()
        if name in MEASURES and MEASURES[name].kind == "input"
    }
    prefix = f"{PREDICTED}."
    return configured | {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix)
    }


_GRADES = {True: Grade.RIGHT, False: Grade.WRONG, None: Grade.UNKNOWN}
