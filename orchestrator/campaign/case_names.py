"""Names of sets of cases in a sentence: ``prefork and threaded``, ``8 workers``, ``every model``.

Only what distinguishes the cases is named: a model if there are several, a value of an axis if it
differs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.measures.sentences import joined, singular

COUNTED = ("workers", "users", "messages", "connections", "replicas", "cpus")
"""Axes whose values are numbers of things."""


@dataclass(frozen=True)
class CaseKey:
    """A case: its model, and the values of its axes as text."""

    model: str
    axes: tuple[tuple[str, str], ...] = ()


class CaseNames:
    """Names sets of ``cases``, of which each is known by its model and its axes."""

    def __init__(self, cases: Sequence[CaseKey]) -> None:
        self._models = list(dict.fromkeys(case.model for case in cases))
        self._varying = _varying(cases)
        self._points = list(dict.fromkeys(map(self._point, cases)))
        self._all = dict.fromkeys((case.model, self._point(case)) for case in cases)

    def noun(self, cases: Iterable[CaseKey]) -> str:
        """Return the names of ``cases``: ``prefork with 8 workers``, ``2 and 4 workers``."""
        chosen = dict.fromkeys((case.model, self._point(case)) for case in cases)
        models = [m for m in self._models if any(m == model for model, _ in chosen)]
        points = [p for p in self._points if any(p == point for _, point in chosen)]
        product = [(m, p) for p in points for m in models if (m, p) in self._all]
        is_ragged = len({len(point) for point in points}) > 1  # a model ignores an axis of others
        if len(product) == len(chosen) and not is_ragged:
            return self._product(models, points)
        return joined([
            self._both([m], [p for p in points if (m, p) in chosen])
            for m in models
        ])  # fmt: skip

    def are_several(self, cases: Sequence[CaseKey]) -> bool:
        """Return whether the noun of ``cases`` is in the plural: two models, or ``8 workers``."""
        noun, models = self.noun(cases), dict.fromkeys(case.model for case in cases)
        if any(noun.startswith(model) for model in models):
            return len(models) > 1
        return " and " in noun or (noun[:1].isdigit() and not noun.startswith("1 "))

    def phrase(self, cases: Sequence[CaseKey]) -> str:
        """Return the names of ``cases`` after ``under`` or ``with``."""
        noun = self.noun(cases)
        is_model = noun.split(" ")[0].rstrip(",") in self._models
        return f"{'under' if is_model else 'with'} {noun}"

    def whole(self, *, is_all: bool) -> str:
        """Return the name of all cases, or of none: ``under every model``, ``with no value …``."""
        if is_all and len(self._all) == 1:
            return f"under {self._models[0]}"
        word = "every" if is_all else "no"
        if len(self._points) == 1:
            return f"under {word} model"
        if len(self._models) == 1 and len(self._varying) == 1:
            axis = self._varying[0]
            of_axis = f"number of {axis}" if axis in COUNTED else f"value of {axis}"
            return f"with {word} {of_axis}"
        return f"in {word} case"

    def _point(self, case: CaseKey) -> tuple[tuple[str, str], ...]:
        return tuple((axis, value) for axis, value in case.axes if axis in self._varying)

    def _product(self, models: Sequence[str], points: Sequence[tuple[tuple[str, str], ...]]) -> str:
        has_all_models = len(models) == len(self._models)
        has_all_points = len(points) == len(self._points)
        if has_all_points and (len(self._points) == 1 or not has_all_models):
            return joined(models)
        if has_all_models and (len(self._models) == 1 or not has_all_points):
            return points_text(points)
        return self._both(models, points)

    def _both(self, models: Sequence[str], points: Sequence[tuple[tuple[str, str], ...]]) -> str:
        values = [point for point in points if point]
        return f"{joined(models)} with {points_text(values)}" if values else joined(models)


def _varying(cases: Sequence[CaseKey]) -> list[str]:
    """Return the axes on which ``cases`` differ."""
    values: dict[str, set[str]] = {}
    for case in cases:
        for axis, value in case.axes:
            values.setdefault(axis, set()).add(value)
    return [axis for axis, found in values.items() if len(found) > 1]


def points_text(points: Sequence[tuple[tuple[str, str], ...]]) -> str:
    """Return points of the matrix: ``1, 2 and 4 workers``, ``backlog 2 and 16``."""
    if all(len(point) == 1 for point in points) and points:
        axis, values = points[0][0][0], [point[0][1] for point in points]
        return _axis_text(axis, values)
    return joined([", ".join(_axis_text(axis, [value]) for axis, value in p) for p in points])


def _axis_text(axis: str, values: Sequence[str]) -> str:
    group, _, key = axis.rpartition(".")
    if key not in COUNTED:
        return f"{axis.replace('_', ' ')} {joined(values)}"
    noun = "CPUs" if key == "cpus" else key
    noun = singular(noun) if list(values) == ["1"] else noun
    return f"{joined(values)} {noun}{f' of {group}' if group else ''}"


def axes_of(axes: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Return the values of a case's axes as text."""
    return tuple(
        (axis, str(value).lower() if isinstance(value, bool) else str(value))
        for axis, value in axes.items()
    )
