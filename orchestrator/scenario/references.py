"""Whether the measures that expectations name are asked of whom they can be asked of.

Whom a scenario is about: its models and its target, and who an expectation may be of.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator.measures.expression import Expression
from orchestrator.measures.hints import unknown
from orchestrator.measures.registry import find_measure, full_name
from orchestrator.measures.syntax import Name
from orchestrator.scenario.fields import complaint, complaints
from orchestrator.scenario.matrix import Where
from orchestrator.scenario.server import Target, breaches_of_target

COMPARE, VALIDITY, GUESS = "compare", "validity", "guess"


Placed = tuple[Where, Expression]


@dataclass(frozen=True)
class Naming:
    """What may be named: the client groups and the models of a scenario.

    ``views`` are what else a measure may be asked of, and which measures.
    """

    groups: Sequence[str]
    models: Sequence[str]
    views: Mapping[str, Sequence[str]]

    def problems(self, placed: Sequence[Placed]) -> Iterator[tuple[Where, PydanticCustomError]]:
        """Yield what is wrong with expressions, each with where it was written."""
        for where, expression in placed:
            if where[0] == VALIDITY and expression.confidence is not None:
                message = "a rule is of each run by itself, and confidence of repeats"
                yield where, complaint(message)
            if where[0] == GUESS and expression.confidence is not None:
                yield where, complaint("a guess is right or wrong; leave the confidence out")
            for name in expression.names:
                message = self._problem(name, where)
                if message:
                    yield where, complaint(message, column=name.span.column)

    def _problem(self, name: Name, where: Where) -> str:
        if name.group in self.views:
            allowed = self.views[name.group]
            if full_name(name.own_name) not in allowed:
                return unknown(f"measure of {name.group}", name.own_name, allowed)
        elif name.group and name.group not in self.groups:
            return unknown("group", name.group, [*self.groups, *self.views])
        if where[0] == COMPARE:
            return self._of_which_model(name)
        return "this asks one model among others; write it under compare" if name.model else ""

    def _of_which_model(self, name: Name) -> str:
        if name.model:
            known = name.model in self.models
            return "" if known else unknown("model", name.model, self.models)
        measure = find_measure(name.name)
        if measure is None or measure.kind == "input":
            return ""
        return f"of which model? write e.g. {name.name}({self.models[0]})"


EVERY_MODEL = "all"


def check_model(model: str, info: ValidationInfo) -> str:
    """Accept a model that is known, and the target; without a context every name is."""
    known = (info.context or {}).get("known_models")
    target = info.data.get("target")
    is_target = "target" not in info.data or (target is not None and target.name == model)
    if known is not None and model not in known and not is_target:
        raise complaint(unknown("model", model, known))
    return model


def check_target(target: Target | None, info: ValidationInfo) -> Target | None:
    """Refuse a target that cannot be had, or goes by another's name."""
    known = (info.context or {}).get("known_models") or ()
    found = [] if target is None else breaches_of_target(target, known)
    complaints(((key,), complaint(message)) for key, message in found)
    return target


def check_unique(models: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a model that is there twice."""
    first = {model: index for index, model in reversed(list(enumerate(models)))}
    message = "this model is in the list already; name each model once"
    complaints(
        ((index,), complaint(message))
        for index, model in enumerate(models)
        if first[model] != index
    )
    return models


def check_subject(subject: str, info: ValidationInfo) -> str:
    """Accept a model of this scenario; unless the models are themselves in doubt."""
    models = info.data.get("models")
    if models is not None and subject not in (*models, EVERY_MODEL):
        raise complaint(unknown("model", subject, (*models, EVERY_MODEL)), at_key=True)
    return subject
