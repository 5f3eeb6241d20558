"""References in a scenario: models, subjects of expectations, and the names in expressions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationInfo

from orchestrator.measures.expression import Expression, Term
from orchestrator.measures.hints import closest, listed, quote, unknown
from orchestrator.measures.live import ALLOWED, is_live
from orchestrator.measures.registry import find_measure, full_name, is_input
from orchestrator.measures.syntax import MeasureName
from orchestrator.measures.views import WINDOWS, is_among
from orchestrator.scenario.fields import Found, invalid_value, raise_all
from orchestrator.scenario.matrix import Point, value_text
from orchestrator.scenario.server import Target, target_violations
from orchestrator.scenario.yaml_document import Location

EVERY_MODEL = "all"
COMPARE, VALIDITY, GUESS, ABORT, CLAIMS = "compare", "validity", "guess", "abort", "claims"
_WITHOUT_CONFIDENCE = {
    VALIDITY: "a rule is checked in each run",
    GUESS: "a guess is right or wrong",
    ABORT: "this is checked while a run lasts",
}

OF_MODELS = (COMPARE, CLAIMS)
"""Where a measure is that of one of several models."""

Located = tuple[Location, Expression | Term]
"""An expression of a scenario, or a value that a claim names, with its location."""


def check_model(model: str, info: ValidationInfo) -> str:
    """Accept a known model or the target; accept any name if the known models are not given."""
    known = (info.context or {}).get("known_models")
    target = info.data.get("target")
    is_target = "target" not in info.data or (target is not None and target.name == model)
    if known is not None and model not in known and not is_target:
        if model == EVERY_MODEL:
            raise invalid_value("all is every model by itself; write models: all, without a list")
        raise invalid_value(unknown("model", model, known))
    return model


def check_target(target: Target | None, info: ValidationInfo) -> Target | None:
    """Refuse a target that is incomplete or has a reserved name."""
    known = (info.context or {}).get("known_models") or ()
    found = [] if target is None else target_violations(target, known)
    raise_all(((key,), invalid_value(message)) for key, message in found)
    return target


def check_unique(models: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a model that is in the list twice."""
    first = {model: index for index, model in reversed(list(enumerate(models)))}
    message = "this model is already in the list; name each model once"
    raise_all(
        ((index,), invalid_value(message))
        for index, model in enumerate(models)
        if first[model] != index
    )
    return models


def check_subject(subject: str, info: ValidationInfo) -> str:
    """Accept a model of this scenario, or all; accept any if the models are invalid themselves."""
    models = info.data.get("models")
    if models is not None and subject not in (*models, EVERY_MODEL):
        raise invalid_value(unknown("model", subject, (*models, EVERY_MODEL)), at_key=True)
    return subject


@dataclass(frozen=True)
class Scope:
    """What the expressions of a scenario may name: client groups, models, points of the matrix.

    ``views`` are what else may stand before a measure, each with its measures.
    """

    groups: Sequence[str]
    models: Sequence[str]
    views: Mapping[str, Sequence[str]]
    points: Sequence[Point] = ()

    def errors(self, expressions: Sequence[Located]) -> Found:
        """Yield the errors in ``expressions``, each with its location."""
        for location, expression in expressions:
            reason = _WITHOUT_CONFIDENCE.get(str(location[0]))
            if expression.confidence is not None and reason:
                yield location, invalid_value(f"{reason}; leave the confidence out")
            for name in expression.names:
                message = self._error(name, location) or _axes_error(name, expression)
                if message:
                    yield location, invalid_value(message, column=name.span.column)

    def prefix_error(self, name: MeasureName) -> str:
        """Return what is wrong with the group or the view of ``name``; empty if nothing is."""
        if name.group in self.views:
            allowed = self.views[name.group]
            if not is_among(full_name(name.own_name), allowed):
                meant = closest(name.own_name, allowed)
                hint = f"did you mean {meant!r}? " if meant else ""
                return (
                    f"{name.group} has no measure {quote(name.own_name)}; {hint}"
                    f"it has: {listed(allowed)}"
                )
        elif name.group and name.group not in self.groups:
            return self._unknown_prefix(name.group)
        return ""

    def _unknown_prefix(self, word: str) -> str:
        """Return the error for a name before a measure that is no group and no view."""
        if word in WINDOWS:
            return f"{word!r} is a window around faults, and this scenario has no faults"
        meant = closest(word, (*self.groups, *self.views))
        hint = f"did you mean {meant!r}? " if meant else ""
        known = f"client groups: {listed(self.groups)}; views of the run: {listed(self.views)}"
        return f"unknown client group {quote(word)}; {hint}{known}"

    def _error(self, name: MeasureName, location: Location) -> str:
        if location[0] == ABORT and (message := _error_of_live(name)):
            return message
        if message := self.prefix_error(name):
            return message
        if location[0] in OF_MODELS:
            return self._error_of_model(name) or self.point_error(name)
        if name.point:
            return "this names one point of the matrix; only compare, claims and an answer may"
        return "this names one of several models; write it under compare" if name.model else ""

    def point_error(self, name: MeasureName) -> str:
        """Return what is wrong with the point that ``name`` has; empty if nothing is."""
        return next(filter(None, (self._axis_error(*each) for each in name.point)), "")

    def _axis_error(self, axis: str, value: str) -> str:
        values = [value_text(point[axis]) for point in self.points if axis in point]
        if not values:
            axes = list(dict.fromkeys(axis for point in self.points for axis in point))
            return unknown("axis", axis, axes) if axes else f"{axis}: this scenario has no matrix"
        if value in values:
            return ""
        return f"{axis} is never {quote(value)}; its values: {listed(dict.fromkeys(values))}"

    def _error_of_model(self, name: MeasureName) -> str:
        if name.model:
            known = name.model in self.models
            return "" if known else unknown("model", name.model, self.models)
        measure = find_measure(name.name)
        if measure is None or (measure.kind == "input" and not name.point):
            return ""
        return f"the model is missing; write e.g. {name.name}({self.models[0]})"


def _error_of_live(name: MeasureName) -> str:
    """Return that ``name`` is not known while the load runs; empty if it is."""
    if name.group:
        return f"live figures are of the whole load; write {name.own_name}"
    if is_live(name.own_name) or is_input(full_name(name.own_name)):
        return ""
    allowed = f"abort may name {listed(ALLOWED)}, and what the scenario sets"
    return f"{name.own_name} is not known while the load runs; {allowed}"


def _axes_error(name: MeasureName, expression: Expression | Term) -> str:
    """Return that ``name`` lacks an axis that another measure of the same comparison has."""
    if not name.model:
        return ""
    missing = [axis for axis in axes_named(expression) if axis not in dict(name.point)]
    if not missing:
        return ""
    subject = ", ".join((name.model, *(f"{axis}=…" for axis in missing)))
    return f"another measure here names {listed(missing)}; name it in each: {name.name}({subject})"


def axes_named(expression: Expression | Term) -> list[str]:
    """Return the axes that measures of ``expression`` name, each once."""
    return list(dict.fromkeys(axis for name in expression.names for axis, _ in name.point))
