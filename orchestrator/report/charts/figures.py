"""The figures that a chart compares: a measure of each case, or of a client group of each case."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.measures.dimensions import format_value
from orchestrator.measures.evaluate import AT_LEAST
from orchestrator.measures.registry import Measure, find_measure, full_name
from orchestrator.report.columns import UNKNOWN, error_text
from orchestrator.results.summary import CaseSummary


@dataclass(frozen=True)
class Figure:
    """A ``measure`` of a ``group``, which is empty for the case as a whole."""

    measure: Measure
    group: str = ""

    @property
    def title(self) -> str:
        """Its name in words."""
        return " ".join(filter(None, (self.group, self.measure.name.replace("_", " "))))

    @property
    def key(self) -> str:
        """Its key among the lower bounds of a case."""
        return f"{self.group}.{self.measure.key}" if self.group else self.measure.key

    def of_group(self, group: str) -> "Figure":
        """Return the same measure of ``group``."""
        return Figure(self.measure, group)

    def value(self, case: CaseSummary) -> float | None:
        """Return its value in base units, None if it is unknown."""
        figures = case.groups.get(self.group, {}) if self.group else case.measures
        return figures.get(self.measure.key)

    def interval(self, case: CaseSummary) -> tuple[float, float] | None:
        """Return the confidence interval of its median, None if there is none."""
        return None if self.group else case.intervals.get(self.measure.key)

    def text(self, case: CaseSummary) -> str:
        """Return its value with the unit, as in `measure_text`; a dash if unknown."""
        value = self.value(case)
        if value is None:
            return UNKNOWN
        bound = AT_LEAST if self.key in case.lower_bounds else ""
        dimension = self.measure.dimension
        return bound + format_value(value, dimension) + error_text(case, self.key, dimension)


def figure_of(name: str) -> Figure | None:
    """Return the figure of the full or short ``name``, None if there is no such measure."""
    measure = find_measure(name)
    return None if measure is None else Figure(measure, full_name(name).rpartition(".")[0])


def distinguishing(names: Iterable[str], cases: Sequence[CaseSummary]) -> list[Figure]:
    """Return the figures of ``names`` that differ between ``cases``, each once.

    A figure that is the same in all cases, such as a number of messages, compares nothing.
    """
    found = dict.fromkeys(figure for name in names if (figure := figure_of(name)) is not None)
    return [figure for figure in found if len(_values(figure, cases)) > 1]


def _values(figure: Figure, cases: Sequence[CaseSummary]) -> set[float]:
    return {value for case in cases if (value := figure.value(case)) is not None}
