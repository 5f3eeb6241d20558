"""The cases of a campaign side by side: at a point of the matrix, or at several that are compared.

A round is one repeat of each of them; they share its draws and the disturbances of the host. Pure
functions of evaluated runs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.campaign.retries import Repeats
from orchestrator.campaign.verdict import is_forgivable
from orchestrator.measures.bounds import Values
from orchestrator.measures.evaluate import subject_of
from orchestrator.measures.syntax import MeasureName
from orchestrator.results.summary import RunSummary
from orchestrator.scenario.matrix import AxisValue, Point, points, value_text
from orchestrator.scenario.plan import Case
from orchestrator.scenario.scenario import Scenario

CaseKey = tuple[object, ...]


@dataclass(frozen=True)
class LoadPoint:
    """The counted repeats of each model at a point of the matrix, and the inputs there.

    A model that ignores an axis has the same case at several points. Between points, a subject such
    as ``threaded, workers=8`` stands for a model.
    """

    axes: Point
    models: Mapping[str, Repeats]
    inputs: Values

    def only(self, subjects: Iterable[str]) -> "LoadPoint":
        """Return it with these models, or subjects, alone."""
        return replace(self, models={each: self.models[each] for each in subjects})

    @property
    def rounds(self) -> list[Repeats]:
        """The runs of each round in which a run of every model counts."""
        by_model = [{each.run.repeat: each for each in runs} for runs in self.models.values()]
        common = sorted(set.intersection(*map(set, by_model)))
        return [[runs[repeat] for runs in by_model] for repeat in common]

    @property
    def values(self) -> list[Values]:
        """The values of each round: ``throughput(prefork)`` of each model, and the inputs."""
        return [{**self._side_by_side(together), **self.inputs} for together in self.rounds]

    @property
    def runs(self) -> Repeats:
        """All runs that count, of all models."""
        return [run for runs in self.models.values() for run in runs]

    def doubt(self, *, accept_invalid: bool) -> str:
        """Return why nothing can be said of it: runs are invalid or aborted; empty if it can."""
        invalid = [
            model
            for model, runs in self.models.items()
            if any(_counts_out(run.summary, accept_invalid=accept_invalid) for run in runs)
        ]
        aborted = [model for model, runs in self.models.items() if has_aborted(runs)]
        why = (
            f"{', '.join(invalid)}: invalid as a measurement" if invalid else "",
            f"{', '.join(aborted)}: aborted" if aborted else "",
        )
        return "; ".join(filter(None, why))

    def _side_by_side(self, together: Repeats) -> dict[str, float | None]:
        values: dict[str, float | None] = {}
        for model, each in zip(self.models, together, strict=True):
            values |= {f"{name}({model})": value for name, value in each.values.items()}
        return values


def complete_load_points(scenario: Scenario, by_case: Sequence[Repeats]) -> Iterator[LoadPoint]:
    """Yield the load points of which the campaign completed all models."""
    cases = {key_of_runs(each): each for each in by_case}
    for point in points(scenario.matrix):
        keys = {model: case_key(model, scenario.axes_of(model, point)) for model in scenario.models}
        if set(keys.values()) <= cases.keys():
            whole = Case(scenario.models[0], point, scenario.settings.at(point), scenario.seed)
            models = {model: cases[key] for model, key in keys.items()}
            yield LoadPoint(point, models, whole.inputs())


def case_key(model: str, axes: Mapping[str, AxisValue]) -> CaseKey:
    """Return what only this case of a campaign has."""
    return (model, *axes.items())


def key_of_runs(runs: Repeats) -> CaseKey:
    """Return the key of the case whose repeats are ``runs``, of which there is at least one."""
    return case_key(runs[0].run.case.model, runs[0].run.case.axes)


def between(names: Sequence[MeasureName], load_points: Sequence[LoadPoint]) -> Iterator[LoadPoint]:
    """Yield the subjects that ``names`` compare, at each point of the axes that they do not name.

    An input that the points of the subjects do not share has no value.
    """
    named = {axis for name in names for axis, _ in name.point}
    rests: list[Point] = []
    for at_point in load_points:
        rest = {axis: value for axis, value in at_point.axes.items() if axis not in named}
        if rest in rests:
            continue
        rests.append(rest)
        subjects = {
            subject_of(name): (name.model, _point_at({**rest, **dict(name.point)}, load_points))
            for name in names
            if name.point
        }
        found = {subject: (model, at) for subject, (model, at) in subjects.items() if at}
        if len(found) == len(subjects):
            inputs = [at.inputs.items() for _, at in found.values()]
            shared = dict(set.intersection(*map(set, inputs)))
            models = {subject: at.models[model] for subject, (model, at) in found.items()}
            yield LoadPoint(rest, models, shared)


def _point_at(point: Point, load_points: Sequence[LoadPoint]) -> LoadPoint | None:
    """Return the load point with the values of ``point``, some of them as text; None if none."""
    texts = {axis: value_text(value) for axis, value in point.items()}
    return next(
        (
            each
            for each in load_points
            if {axis: value_text(value) for axis, value in each.axes.items()} == texts
        ),
        None,
    )


def _counts_out(run: RunSummary, *, accept_invalid: bool) -> bool:
    return bool(run.invalid) and not (accept_invalid and is_forgivable(run))


def has_aborted(runs: Repeats) -> bool:
    """Return whether the load of one of ``runs`` was ended before its time."""
    return any(run.summary.aborted for run in runs)
