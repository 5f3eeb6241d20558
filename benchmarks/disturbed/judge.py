"""False alarms and misses of the rules of validity, by what the figures of each case are worth.

Pure functions. Other programs only lengthen times, so the right figure of a case is the shortest
tenth of all its runs. A case is wrong if its makespan or its mean response time is longer by more
than `TOLERANCE`. A rule that calls a right case disturbed gives a false alarm; one that calls a
wrong case valid misses it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

FIGURES = ("makespan_s", "response_time_mean_s")
TOLERANCE = 0.05
BINS = (0.05, 0.15, 0.25, 0.50, 0.75)
"""Shares of the CPUs that other programs used, between which rows are told apart."""

Right = Mapping[tuple[str, str], Mapping[str, float]]


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
    """The verdicts of two rules on the cases of one level, or one share of the CPUs."""

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


def rows(cases: Sequence[Case], *, by_use: bool = False) -> Iterator[Row]:
    """Yield a row for each level; or for each of `BINS`, by what other programs really used."""
    right = references(cases)
    groups: dict[str, list[Case]] = {}
    for case in sorted(cases, key=lambda case: case.value("host_busy")) if by_use else cases:
        groups.setdefault(_bin(case) if by_use else case.level, []).append(case)
    for name, group in groups.items():
        yield _row(name, group, right)


def _bin(case: Case) -> str:
    busy = case.value("host_busy")
    low = max((each for each in BINS if each <= busy), default=0.0)
    high = min((each for each in BINS if each > busy), default=1.0)
    return f"{low:.0%} to {high:.0%}"


def references(cases: Iterable[Case]) -> Right:
    """Return the figures of each case that only a tenth of its runs are below."""
    same: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        same.setdefault((case.scenario, case.model), []).append(case)
    return {
        key: {name: sorted(each.value(name) for each in runs)[len(runs) // 10] for name in FIGURES}
        for key, runs in same.items()
    }


def error(case: Case, right: Right) -> float:
    """Return by what share the figures of ``case`` are too long, the larger of both."""
    of_case = right[case.scenario, case.model]
    return max(case.value(name) / of_case[name] - 1 for name in FIGURES)


def _row(level: str, cases: Sequence[Case], right: Right) -> Row:
    errors = [(case, error(case, right)) for case in cases]

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
