"""A scenario: one question, the models, the load, and what is expected of them.

A `Scenario` is immutable and valid. This module knows no files and no positions; see ``load``.
"""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from labkit.protocol.parsing import parse_duration_s
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.hints import listed, unknown
from orchestrator.measures.percentiles import Percentiles
from orchestrator.measures.registry import full_name, is_input, percentiles_in
from orchestrator.measures.syntax import RATIO
from orchestrator.measures.views import views
from orchestrator.scenario.answer import MAX_SHOWN, AnswerScope, AnswerText, ShownMeasures
from orchestrator.scenario.claims import PUBLISHED, Claim, Source, claim_errors
from orchestrator.scenario.clients import AnyGroup, check_groups
from orchestrator.scenario.fault_conflicts import conflicts
from orchestrator.scenario.faults import Fault, check_faults, fault_violations, without_reload
from orchestrator.scenario.fields import (
    ExpressionText,
    Found,
    GuessText,
    MaxLoad,
    Text,
    duration_between,
    invalid_value,
    max_load_of,
    not_empty,
    one_of,
    raise_all,
    whole,
)
from orchestrator.scenario.interpreter import InterpreterName, Runtime
from orchestrator.scenario.matrix import (
    CaseSettings,
    MatrixValue,
    Point,
    axes_over,
    case_name,
    count_points,
    location_of,
    points,
)
from orchestrator.scenario.models import discover_models, discover_reloading, read_models
from orchestrator.scenario.references import (
    ABORT,
    CLAIMS,
    COMPARE,
    EVERY_MODEL,
    GUESS,
    VALIDITY,
    Located,
    Scope,
    check_model,
    check_subject,
    check_target,
    check_unique,
)
from orchestrator.scenario.rules import Violation, violations
from orchestrator.scenario.server import (
    OWN_SETTINGS,
    UNLIMITED,
    Limits,
    Section,
    ServerSettings,
    Target,
)
from orchestrator.scenario.variables import escape_variables
from orchestrator.scenario.versions import INTERPRETER
from orchestrator.scenario.yaml_document import Location

MAX_CASES = 200
MAX_REPEATS = 50
MAX_INTENT_CHARS = 300
INTERLEAVED = "interleaved"
VARY, FIXED = "vary", "fixed"
AUTO, SWARM = "auto", "swarm"
BACKENDS = (AUTO, "docker", "process", SWARM)
RULES = tuple(
    parse_expression(text)
    for text in (
        "host_delay < 5%", "host_busy < 75%", "host_steal < 10%", "client_bottlenecks == 0",
    )
)  # fmt: skip
"""What must hold for a run to be valid, unless the scenario sets ``validity``.

Other programs disturb a run by what they delay, not by the CPU time that they use. But beside
programs that leave it less than a quarter of the CPUs, a run is valid by luck.
"""


_FOR_WRITING = dict.fromkeys(map(ord, "\u00a0\u202f\u3000\u200c\u200d"))
"""Spaces and joiners that a sentence or an emoji may need, though they print nothing alone."""


def _check_intent(intent: str) -> str:
    intent = intent.strip()
    if not intent:
        raise invalid_value("this is empty; write the question of this scenario in one sentence")
    if not intent.translate(_FOR_WRITING).isprintable() or len(intent) > MAX_INTENT_CHARS:
        message = f"not a sentence; allowed: one line of at most {MAX_INTENT_CHARS} characters"
        raise invalid_value(message)
    return intent


_Subject = Annotated[Text, AfterValidator(check_subject)]
_Ignored = Annotated[
    tuple[Annotated[str, one_of(*ServerSettings.model_fields)], ...], Field(strict=False)
]
_Mean = Annotated[str, duration_between("0s", "60m")]
_Expressions = Annotated[tuple[ExpressionText, ...], Field(strict=False)]
_OneOrMore = Annotated[
    _Expressions,
    BeforeValidator(
        lambda value: value if isinstance(value, list | tuple) else [value],
        json_schema_input_type=str | list[str],
    ),
]
_Guesses = Annotated[tuple[GuessText, ...], Field(strict=False)]


class Scenario(Section):
    """One scenario; defaults are filled in, except those of the server's settings."""

    intent: Annotated[Text, AfterValidator(_check_intent)]
    source: Source | None = None
    target: Annotated[Target | None, AfterValidator(check_target)] = None
    models: Annotated[
        tuple[Annotated[Text, AfterValidator(check_model)], ...],
        Field(strict=False),
        AfterValidator(not_empty("model")),
        AfterValidator(check_unique),
    ]
    server: ServerSettings = ServerSettings()
    limits: Limits = UNLIMITED
    interpreter: InterpreterName | None = None
    backend: Annotated[str, one_of(*BACKENDS)] | None = None
    clients: Annotated[
        tuple[AnyGroup, ...],
        Field(strict=False),
        AfterValidator(not_empty("group")),
        AfterValidator(check_groups),
    ]
    matrix: MatrixValue = Field(default_factory=dict)
    ignores: dict[_Subject, _Ignored] = Field(default_factory=dict)
    tuned: dict[Text, dict[Text, _Mean]] = Field(default_factory=dict)
    expect: dict[_Subject, Annotated[_Expressions, AfterValidator(not_empty("expectation"))]] = (
        Field(default_factory=dict)
    )
    guess: dict[_Subject, Annotated[_Guesses, AfterValidator(not_empty("guess"))]] = Field(
        default_factory=dict
    )
    compare: _Expressions = ()
    claims: Annotated[tuple[Claim, ...], Field(strict=False)] = ()
    answer: AnswerText = ()
    show: ShownMeasures = ()
    faults: Annotated[tuple[Fault, ...], Field(strict=False), AfterValidator(check_faults)] = ()
    abort: _OneOrMore = ()
    validity: _Expressions = RULES
    repeats: Annotated[int, whole(1, MAX_REPEATS)] = 1
    retries_of_invalid: Annotated[int, whole(0, MAX_REPEATS)] | None = None
    order: Annotated[str, one_of(INTERLEAVED, "sequential")] = INTERLEAVED
    warmup: Annotated[str, duration_between("0s", "60m")] = "0s"
    timeout: Annotated[str, duration_between("100ms", "60m")] = "120s"
    seed: Annotated[int, whole(0, 2**32 - 1)] = 1
    seeds: Annotated[str, one_of(VARY, FIXED)] | None = None

    @property
    def timeout_s(self) -> float:
        """Deadline of one case in seconds."""
        return parse_duration_s(self.timeout)

    @property
    def warmup_s(self) -> float:
        """Warm-up in seconds: messages due before its end do not count in the measures."""
        return parse_duration_s(self.warmup)

    @property
    def most_retries(self) -> int:
        """How many runs of one case may be repeated because the host disturbed them."""
        return self.repeats if self.retries_of_invalid is None else self.retries_of_invalid

    @property
    def draws_vary(self) -> bool:
        """Whether each repeat has a seed of its own: if so requested, or if the load is random."""
        if self.seeds is not None:
            return self.seeds == VARY
        at_points = (self.settings.at(point) for point in points(self.matrix))
        return any(group.is_random for settings in at_points for group in settings.groups)

    @property
    def percentiles(self) -> Percentiles:
        """The percentiles that it names anywhere, besides those that are always measured."""
        names = [name for _, each in self._located() for name in each.names]
        names += [name for sentence in self.answer for _, name in sentence.names]
        written = [name.model if name.name == RATIO else name.name for name in names]
        return percentiles_in([*map(full_name, written), *self.show])

    def axes_of(self, model: str, point: Point) -> Point:
        """Return the axes of ``point`` that ``model`` does not ignore."""
        ignored = self.ignores.get(model, ()) + self.ignores.get(EVERY_MODEL, ())
        ignored += (INTERPRETER,) if self.target_of(model) else ()
        return {axis: value for axis, value in point.items() if axis not in ignored}

    @property
    def cases(self) -> list[tuple[str, Point]]:
        """The model and the axes of each case: at each point each model, if they are new."""
        found = {
            (model, tuple(axes.items())): (model, axes)
            for point in points(self.matrix)
            for model in self.models
            for axes in [self.axes_of(model, point)]
        }
        return [*found.values()]

    @property
    def settings(self) -> CaseSettings:
        """The settings that the matrix may change."""
        return CaseSettings(
            self.server, self.limits, self.clients, Runtime(interpreter=self.interpreter)
        )

    def expectations(self, model: str) -> tuple[Expression, ...]:
        """Return the expectations of ``model``: its own, then those of all models."""
        return self.expect.get(model, ()) + self.expect.get(EVERY_MODEL, ())

    def guesses(self, model: str) -> tuple[Expression, ...]:
        """Return the guesses about ``model``: its own, then those about all models."""
        return self.guess.get(model, ()) + self.guess.get(EVERY_MODEL, ())

    @property
    def shown(self) -> tuple[str, ...]:
        """The measures in question: those to show, else the measured ones of the expectations.

        Those of the only group are those of the case, under which the results have them.
        """
        expected = (each for expressions in self.expect.values() for each in expressions)
        judged: list[Expression | Claim] = [*expected, *self.compare, *self.claims]
        names = [full_name(name.name) for each in judged for name in each.names]
        shown = self.show or [name for name in names if not is_input(name)]
        only = f"{self.clients[0].name}." if len(self.clients) == 1 else "."
        return tuple(dict.fromkeys(name.removeprefix(only) for name in shown))[:MAX_SHOWN]

    def target_of(self, model: str) -> Target | None:
        """Return the target if its name is ``model``, otherwise None."""
        return self.target if self.target is not None and self.target.name == model else None

    def resolved(self) -> dict[str, Any]:
        """Return plain data that is an equal scenario after it is written as YAML and loaded."""
        plain: dict[str, Any] = escape_variables(self.model_dump(mode="json", exclude_none=True))
        return plain

    @model_validator(mode="after")
    def _check(self, info: ValidationInfo) -> Self:
        most = count_points(self.matrix) * len(self.models)
        cases = len(self.cases) if MAX_CASES < most <= MAX_CASES**2 else most
        if cases > MAX_CASES:
            key = "matrix" if self.matrix else "models"
            message = f"{cases} cases (models x points); allowed: at most {MAX_CASES}"
            raise_all([((key,), invalid_value(message))])
        found = self._errors(max_load_of(info.context))
        raise_all({(where, str(error)): (where, error) for where, error in found}.values())
        return self

    def _errors(self, max_load: MaxLoad) -> Found:
        for point in points(self.matrix):
            yield from self._errors_at(point, max_load)
        yield from self._settings_of_others()
        yield from self._tuned_of_others()
        yield from self._interpreter_of_target()
        for index, fault in enumerate(self.faults):
            for key, message in (
                *fault_violations(fault, self.timeout_s),
                *without_reload(fault, self._own_models(), discover_reloading()),
            ):
                yield ("faults", index, key), invalid_value(message)
        for index, message in conflicts(self.faults):
            yield ("faults", index, "at"), invalid_value(message)
        groups = [group.name for group in self.clients]
        seen = views(has_faults=bool(self.faults))
        scope = Scope(groups, self.models, seen, points(self.matrix))
        yield from scope.errors(self._located())
        answers = AnswerScope(scope)
        yield from answers.errors(self.answer, self.show)
        yield from claim_errors(self.claims, self.source, points(self.matrix), self.repeats)
        if self.warmup_s >= self.timeout_s:
            message = f"{self.warmup} is not shorter than timeout, {self.timeout}"
            yield ("warmup",), invalid_value(message)

    def _settings_of_others(self) -> Found:
        """Yield each setting of the server that none of the models has; a stored run has none."""
        models = read_models()
        own = [models[each].settings for each in self._own_models()]
        axes = points(self.matrix)[0] if count_points(self.matrix) else {}
        for key in OWN_SETTINGS:
            if any(key in settings for settings in own):
                continue
            having = [name for name, model in models.items() if key in model.settings]
            advice = "add that to models, or remove the key"
            message = f"{key} is a setting of {listed(having)} only; {advice}"
            if getattr(self.server, key) is not None:
                yield ("server", key), invalid_value(message, at_key=True)
            if key in axes:
                where = (0, key) if isinstance(self.matrix, tuple) else (key,)
                yield ("matrix", *where), invalid_value(message, at_key=True)

    def _tuned_of_others(self) -> Found:
        """Yield each case and each group under ``tuned`` that the scenario does not have."""
        names = [case_name(model, axes) for model, axes in self.cases] if self.tuned else []
        groups = [group.name for group in self.clients]
        for name, means in self.tuned.items():
            if name not in names:
                yield ("tuned", name), invalid_value(unknown("case", name, names), at_key=True)
            for group in means:
                if group not in groups:
                    message = unknown("client group", group, groups)
                    yield ("tuned", name, group), invalid_value(message, at_key=True)

    def _interpreter_of_target(self) -> Found:
        """Yield the interpreter of a scenario that runs a target alone, which brings its own."""
        if all(self.target_of(each) for each in self.models):
            message = "a target brings its own; only the lab's models run on this interpreter"
            if self.interpreter is not None:
                yield (INTERPRETER,), invalid_value(message, at_key=True)
            if INTERPRETER in points(self.matrix)[0]:
                where = (0,) if isinstance(self.matrix, tuple) else ()
                yield ("matrix", *where, INTERPRETER), invalid_value(message, at_key=True)

    def _own_models(self) -> list[str]:
        """Return the models of the lab; of a target, and of another checkout, nothing is known."""
        known = discover_models()
        return [each for each in self.models if each in known and self.target_of(each) is None]

    def _errors_at(self, point: Point, max_load: MaxLoad) -> Found:
        """Yield the rules that the cases at ``point`` break."""
        settings = self.settings.at(point)
        axes = axes_over(self.clients)
        for broken in violations(settings.server, settings.groups, self.timeout_s, max_load):
            axis = next((a for a in point if axes[a][1:] == (broken.key, broken.group)), None)
            yield self._location(broken, axis, point), invalid_value(broken.message)

    def _location(self, violation: Violation, axis: str | None, point: Point) -> Location:
        """Return the location of the value that breaks a rule at ``point``."""
        if axis is not None:
            return ("matrix", *location_of(self.matrix, point, axis))
        if violation.group is None:
            return ("server", violation.key)
        return ("clients", violation.group, violation.key)

    def _located(self) -> list[Located]:
        """Return all expressions with their locations."""
        located: list[Located] = [
            ((section, subject, index), each)
            for section, by_subject in (("expect", self.expect), (GUESS, self.guess))
            for subject, expressions in by_subject.items()
            for index, each in enumerate(expressions)
        ]
        located += [((COMPARE, index), each) for index, each in enumerate(self.compare)]
        for index, claim in enumerate(self.claims):
            located.append(((CLAIMS, index, "expression"), claim.expression))
            for place, each in enumerate(claim.published):
                located.append(((CLAIMS, index, PUBLISHED, place, "of"), each.of))
        located += [((ABORT, index), each) for index, each in enumerate(self.abort)]
        return located + [((VALIDITY, index), each) for index, each in enumerate(self.validity)]
