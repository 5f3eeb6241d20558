"""False alarms and misses of the rules of validity, by what the figures of each case are worth.

Pure functions. A case is wrong if its makespan or its mean response time differs from the median of
the same case on the quiet host by more than `TOLERANCE`. A rule that calls a right case disturbed
gives a false alarm; one that calls a wrong case valid misses it.
"""

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

FIGURES = ("makespan_s", "response_time_mean_s")
TOLERANCE = 0.05
QUIET = "0"
"""The level without another program."""


@dataclass(frozen=True)
class Case:
    """A case that ran beside other programs of a ``level``, and its measures by key."""

    scenario: str
    model: str
    level: str
    measures: Mapping[str, float | None]

    def value(self, key: str) -> float:
        """Return a measure, 0 if it is unknown."""
        return self.measures.get(key) or 0.0


@dataclass(frozen=True)
class Row:
    """The verdicts of two rules on the cases of one level."""

    level: str
    cases: int
    wrong: int
    old_alarms: int
    old_misses: int
    new_alarms: int
    new_misses: int
    too_busy: int
    worst_valid: float
    """The largest error of a case that the new rule calls valid."""


def is_disturbed_by_cpu_time(case: Case) -> bool:
    """Return the verdict of the earlier rule: other programs used a quarter of the CPUs."""
    return case.value("host_busy") >= 0.25  # noqa: PLR2004 the rule


def is_too_busy(case: Case) -> bool:
    """Return whether other programs left too little of the CPUs, whatever they delayed."""
    return case.value("host_busy") >= 0.75  # noqa: PLR2004 the rule


def is_delayed(case: Case) -> bool:
    """Return the verdict of the rule of effect."""
    return case.value("host_delay") >= 0.05 or is_too_busy(case)  # noqa: PLR2004 the rule


def rows(cases: Sequence[Case]) -> Iterator[Row]:
    """Yield a row for each level, in the order of its first case."""
    quiet = references(cases)
    for level in dict.fromkeys(case.level for case in cases):
        yield _row(level, [case for case in cases if case.level == level], quiet)


def references(cases: Iterable[Case]) -> dict[tuple[str, str], dict[str, float]]:
    """Return the median figures of each case on the quiet host."""
    quiet: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        if case.level == QUIET:
            quiet.setdefault((case.scenario, case.model), []).append(case)
    return {
        key: {name: statistics.median(each.value(name) for each in same) for name in FIGURES}
        for key, same in quiet.items()
    }


def error(case: Case, quiet: Mapping[tuple[str, str], Mapping[str, float]]) -> float:
    """Return by what share a figure of ``case`` differs most from the quiet host's."""
    right = quiet[case.scenario, case.model]
    return max(abs(case.value(name) / right[name] - 1) for name in FIGURES)


def _row(
    level: str, cases: Sequence[Case], quiet: Mapping[tuple[str, str], Mapping[str, float]]
) -> Row:
    errors = [(case, error(case, quiet)) for case in cases]

    def alarms(rule: Callable[[Case], bool]) -> int:
        return sum(rule(case) and each <= TOLERANCE for case, each in errors)

    def misses(rule: Callable[[Case], bool]) -> int:
        return sum(not rule(case) and each > TOLERANCE for case, each in errors)

    return Row(
        level=level,
        cases=len(cases),
        wrong=sum(each > TOLERANCE for _, each in errors),
        old_alarms=alarms(is_disturbed_by_cpu_time),
        old_misses=misses(is_disturbed_by_cpu_time),
        new_alarms=alarms(is_delayed),
        new_misses=misses(is_delayed),
        too_busy=sum(is_too_busy(case) and each <= TOLERANCE for case, each in errors),
        worst_valid=max((each for case, each in errors if not is_delayed(case)), default=0.0),
    )


def as_markdown(table: Iterable[Row]) -> str:
    """Return the rows as a table."""
    lines = [
        "| Other programs | Cases | Wrong | False alarms, old | Misses, old "
        "| False alarms, new | Misses, new | Largest error of a valid one |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {each.level} | {each.cases} | {each.wrong} | {each.old_alarms} | {each.old_misses} "
        f"| {_alarms(each)} | {each.new_misses} | {each.worst_valid:.1%} |"
        for each in table
    ]
    return "\n".join(lines) + "\n"


def _alarms(row: Row) -> str:
    return (
        f"{row.new_alarms} ({row.too_busy} by `host_busy`)" if row.too_busy else f"{row.new_alarms}"
    )
