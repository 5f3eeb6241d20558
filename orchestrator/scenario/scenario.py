"""A scenario: one question, the models it is put to, the load, and what is expected of them.

A value of its own, valid by construction. No files and no positions here; see ``load``.
"""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from labkit.durations import parse_duration_s
from orchestrator.expressions import Expression
from orchestrator.scenario.matrix import (
    CLIENT_AXES,
    Found,
    Matrix,
    Point,
    apply,
    count_points,
    points,
)
from orchestrator.scenario.sections import ClosedGroup, Section, ServerSettings
from orchestrator.scenario.values import (
    Expectation,
    Text,
    complaint,
    complaints,
    duration,
    not_empty,
    whole,
)
from orchestrator.wording import unknown

MAX_CASES = 200
MAX_MESSAGES = 10_000_000
MAX_INTENT_CHARS = 300
EVERY_MODEL = "all"


def _check_intent(intent: str) -> str:
    intent = intent.strip()
    if not intent:
        raise complaint("this is empty; write one sentence: what does this scenario ask?")
    if not intent.isprintable() or len(intent) > MAX_INTENT_CHARS:
        message = f"not one sentence; allowed: one line of at most {MAX_INTENT_CHARS} characters"
        raise complaint(message)
    return intent


def _check_model(model: str, info: ValidationInfo) -> str:
    """Accept a model that is known; without a context every name is."""
    known = (info.context or {}).get("known_models")
    if known is not None and model not in known:
        raise complaint(unknown("model", model, known))
    return model


def _check_unique(models: tuple[str, ...]) -> tuple[str, ...]:
    first = {model: index for index, model in reversed(list(enumerate(models)))}
    message = "this model is in the list already; name each model once"
    complaints(
        ((index,), complaint(message))
        for index, model in enumerate(models)
        if first[model] != index
    )
    return models


def _check_groups(groups: tuple[ClosedGroup, ...]) -> tuple[ClosedGroup, ...]:
    if len(groups) > 1:
        message = f"{len(groups)} client groups; several are not possible yet, write one"
        complaints([((1,), complaint(message))])
    return groups


def _check_subject(subject: str, info: ValidationInfo) -> str:
    """Accept a model of this scenario; unless the models are themselves in doubt."""
    models = info.data.get("models")
    if models is not None and subject not in (*models, EVERY_MODEL):
        raise complaint(unknown("model", subject, (*models, EVERY_MODEL)), at_key=True)
    return subject


class Scenario(Section):
    """One scenario as it is run; every default filled in but those that are the server's own."""

    intent: Annotated[Text, AfterValidator(_check_intent)]
    models: Annotated[
        tuple[Annotated[Text, AfterValidator(_check_model)], ...],
        Field(strict=False),
        AfterValidator(not_empty("model")),
        AfterValidator(_check_unique),
    ]
    server: ServerSettings = ServerSettings()
    clients: Annotated[
        tuple[ClosedGroup, ...],
        Field(strict=False),
        AfterValidator(not_empty("group")),
        AfterValidator(_check_groups),
    ]
    matrix: Matrix = Field(default_factory=dict)
    expect: dict[
        Annotated[Text, AfterValidator(_check_subject)],
        Annotated[
            tuple[Expectation, ...], Field(strict=False), AfterValidator(not_empty("expectation"))
        ],
    ] = Field(default_factory=dict)
    timeout: Annotated[str, duration("100ms", "60m")] = "120s"
    seed: Annotated[int, whole(0, 2**32 - 1)] = 1

    @property
    def timeout_s(self) -> float:
        """Deadline of one case in seconds."""
        return parse_duration_s(self.timeout)

    def expectations(self, model: str) -> tuple[Expression, ...]:
        """Return what is expected of ``model``: its own expectations, then those of all."""
        return self.expect.get(model, ()) + self.expect.get(EVERY_MODEL, ())

    def resolved(self) -> dict[str, Any]:
        """Return plain data that, written as YAML and loaded, is an equal scenario."""
        return self.model_dump(mode="json", exclude_none=True)

    @model_validator(mode="after")
    def _check_cases(self) -> Self:
        cases = count_points(self.matrix) * len(self.models)
        if cases > MAX_CASES:
            where = "matrix" if self.matrix else "models"
            message = f"{cases} cases, every model at every point; allowed: at most {MAX_CASES}"
            complaints([((where,), complaint(message))])
        found = [each for point in points(self.matrix) for each in self._point_problems(point)]
        complaints({(where, str(error)): (where, error) for where, error in found}.values())
        return self

    def _point_problems(self, point: Point) -> Found:
        """Find what no case may be, whose parts are each allowed."""
        server, group = apply(point, self.server, self.clients[0])
        found: Found = []
        if group.replicas > group.users:
            message = (
                f"{group.replicas} replicas for {group.users} users; allowed: a user or more each"
            )
            found.append((self._blame("replicas", point), complaint(message)))
        total = group.users * group.messages
        if total > MAX_MESSAGES:
            message = f"{total} messages a case; allowed: at most {MAX_MESSAGES} (users x messages)"
            found.append((self._blame("messages", point), complaint(message)))
        limit_s = server.max_service_time_s
        for axis, demand_s in (("demand", group.demand_s), ("service_time", server.service_time_s)):
            if demand_s is not None and demand_s > limit_s:
                message = (
                    f"{demand_s:g}s of service; the server's max_service_time allows {limit_s:g}s"
                )
                found.append((self._blame(axis, point), complaint(message)))
        return found

    def _blame(self, axis: str, point: Point) -> tuple[str | int, ...]:
        """Return where the value of ``axis`` at ``point`` was written."""
        if axis in self.matrix:
            return ("matrix", axis, self.matrix[axis].index(point[axis]))
        return ("clients", 0, axis) if axis in CLIENT_AXES else ("server", axis)
