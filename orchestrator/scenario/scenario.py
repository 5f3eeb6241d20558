"""A scenario: one question, the models it is put to, the load, and what is expected of them.

A value of its own, valid by construction. No files and no positions here; see ``load``.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from labkit.protocol.parsing import parse_duration_s
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.views import views
from orchestrator.scenario.clients import AnyGroup, check_groups
from orchestrator.scenario.faults import Fault, breaches_of, check_faults
from orchestrator.scenario.fields import (
    Expectation,
    Scale,
    Text,
    complaint,
    complaints,
    duration_between,
    not_empty,
    one_of,
    scale_of,
    whole,
)
from orchestrator.scenario.matrix import (
    Matrix,
    Point,
    Settings,
    Where,
    axes_over,
    count_points,
    points,
)
from orchestrator.scenario.references import (
    COMPARE,
    EVERY_MODEL,
    GUESS,
    VALIDITY,
    Naming,
    Placed,
    check_model,
    check_subject,
    check_target,
    check_unique,
)
from orchestrator.scenario.rules import Breach, breaches
from orchestrator.scenario.server import UNLIMITED, Limits, Section, ServerSettings, Target
from orchestrator.scenario.variables import escape

MAX_CASES = 200
MAX_REPEATS = 50
INTERLEAVED = "interleaved"
RULES = tuple(
    parse_expression(text)
    for text in ("host_busy < 25%", "host_steal < 10%", "client_bottlenecks == 0")
)
"""What must hold for a run to be a measurement, unless a scenario says otherwise."""

MAX_INTENT_CHARS = 300


def _check_intent(intent: str) -> str:
    intent = intent.strip()
    if not intent:
        raise complaint("this is empty; write one sentence: what does this scenario ask?")
    if not intent.isprintable() or len(intent) > MAX_INTENT_CHARS:
        message = f"not one sentence; allowed: one line of at most {MAX_INTENT_CHARS} characters"
        raise complaint(message)
    return intent


class Scenario(Section):
    """One scenario as it is run; every default filled in but those that are the server's own."""

    intent: Annotated[Text, AfterValidator(_check_intent)]
    target: Annotated[Target | None, AfterValidator(check_target)] = None
    models: Annotated[
        tuple[Annotated[Text, AfterValidator(check_model)], ...],
        Field(strict=False),
        AfterValidator(not_empty("model")),
        AfterValidator(check_unique),
    ]
    server: ServerSettings = ServerSettings()
    limits: Limits = UNLIMITED
    clients: Annotated[
        tuple[AnyGroup, ...],
        Field(strict=False),
        AfterValidator(not_empty("group")),
        AfterValidator(check_groups),
    ]
    matrix: Matrix = Field(default_factory=dict)
    expect: dict[
        Annotated[Text, AfterValidator(check_subject)],
        Annotated[
            tuple[Expectation, ...], Field(strict=False), AfterValidator(not_empty("expectation"))
        ],
    ] = Field(default_factory=dict)
    guess: dict[
        Annotated[Text, AfterValidator(check_subject)],
        Annotated[tuple[Expectation, ...], Field(strict=False), AfterValidator(not_empty("guess"))],
    ] = Field(default_factory=dict)
    compare: Annotated[tuple[Expectation, ...], Field(strict=False)] = ()
    faults: Annotated[tuple[Fault, ...], Field(strict=False), AfterValidator(check_faults)] = ()
    validity: Annotated[tuple[Expectation, ...], Field(strict=False)] = RULES
    repeats: Annotated[int, whole(1, MAX_REPEATS)] = 1
    order: Annotated[str, one_of(INTERLEAVED, "sequential")] = INTERLEAVED
    warmup: Annotated[str, duration_between("0s", "60m")] = "0s"
    timeout: Annotated[str, duration_between("100ms", "60m")] = "120s"
    seed: Annotated[int, whole(0, 2**32 - 1)] = 1

    @property
    def timeout_s(self) -> float:
        """Deadline of one case in seconds."""
        return parse_duration_s(self.timeout)

    @property
    def warmup_s(self) -> float:
        """How long, from the common start on, what is due does not count into the figures."""
        return parse_duration_s(self.warmup)

    @property
    def settings(self) -> Settings:
        """All that the matrix may change."""
        return Settings(self.server, self.limits, self.clients)

    def expectations(self, model: str) -> tuple[Expression, ...]:
        """Return what is expected of ``model``: its own expectations, then those of all."""
        return self.expect.get(model, ()) + self.expect.get(EVERY_MODEL, ())

    def guesses(self, model: str) -> tuple[Expression, ...]:
        """Return what was guessed of ``model``, then what was of all."""
        return self.guess.get(model, ()) + self.guess.get(EVERY_MODEL, ())

    def target_of(self, model: str) -> Target | None:
        """Return the target, if that is what goes by the name ``model``."""
        return self.target if self.target is not None and self.target.name == model else None

    def resolved(self) -> dict[str, Any]:
        """Return plain data that, written as YAML and loaded, is an equal scenario."""
        plain: dict[str, Any] = escape(self.model_dump(mode="json", exclude_none=True))
        return plain

    @model_validator(mode="after")
    def _check_cases(self, info: ValidationInfo) -> Self:
        cases = count_points(self.matrix) * len(self.models)
        if cases > MAX_CASES:
            where = "matrix" if self.matrix else "models"
            message = f"{cases} cases, every model at every point; allowed: at most {MAX_CASES}"
            complaints([((where,), complaint(message))])
        scale = scale_of(info.context)
        found = [each for point in points(self.matrix) for each in self._breaches(point, scale)]
        found += [
            (("faults", index, key), complaint(message))
            for index, fault in enumerate(self.faults)
            for key, message in breaches_of(fault, self.timeout_s)
        ]
        groups = [group.name for group in self.clients]
        naming = Naming(groups, self.models, views(has_faults=bool(self.faults)))
        found += naming.problems(self._placed())
        if self.warmup_s >= self.timeout_s:
            message = f"{self.warmup} leaves nothing to measure before timeout, {self.timeout}"
            found.append((("warmup",), complaint(message)))
        complaints({(where, str(error)): (where, error) for where, error in found}.values())
        return self

    def _breaches(self, point: Point, scale: Scale) -> Iterator[tuple[Where, PydanticCustomError]]:
        """Yield the rules that the cases at ``point`` break."""
        settings = self.settings.at(point)
        axes = axes_over(self.clients)
        for breach in breaches(settings.server, settings.groups, self.timeout_s, scale):
            axis = next((a for a in point if axes[a][1:] == (breach.key, breach.group)), None)
            yield self._blame(breach, axis, point), complaint(breach.message)

    def _blame(self, breach: Breach, axis: str | None, point: Point) -> Where:
        """Return where the value that breaks a rule at ``point`` was written."""
        if axis is not None:
            return ("matrix", axis, self.matrix[axis].index(point[axis]))
        if breach.group is None:
            return ("server", breach.key)
        return ("clients", breach.group, breach.key)

    def _placed(self) -> list[Placed]:
        """Return every expression, with where it was written."""
        placed: list[Placed] = [
            ((section, subject, index), each)
            for section, by_subject in (("expect", self.expect), (GUESS, self.guess))
            for subject, expressions in by_subject.items()
            for index, each in enumerate(expressions)
        ]
        placed += [((COMPARE, index), each) for index, each in enumerate(self.compare)]
        return placed + [((VALIDITY, index), each) for index, each in enumerate(self.validity)]
