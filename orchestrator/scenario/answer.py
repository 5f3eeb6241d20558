"""The keys ``answer`` and ``show`` of a scenario: sentences with measures in them, and columns.

A sentence may depend on a condition, so that it is true however the run comes out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from orchestrator.measures.expression import Expression
from orchestrator.measures.hints import quote, unknown
from orchestrator.measures.percentiles import PercentileError, plain_name
from orchestrator.measures.registry import (
    ALIASES,
    MEASURES,
    find_measure,
    full_name,
    percentile_problem,
)
from orchestrator.measures.syntax import EXTREMES, RATIO, ExpressionError, MeasureName, Span
from orchestrator.measures.template import Template, parse_condition, parse_template
from orchestrator.scenario.fields import Found, describe, invalid_value, raise_all
from orchestrator.scenario.references import Scope
from orchestrator.scenario.yaml_document import Location

ANSWER, SHOW = "answer", "show"
IF, THEN, ELSE = "if", "then", "else"
MAX_SENTENCES = 10
MAX_SHOWN = 12
_FORM = "write a sentence in quotes, or {if: EXPRESSION, then: SENTENCE, else: SENTENCE}"

_Parsed = TypeVar("_Parsed", Expression, Template)


@dataclass(frozen=True)
class Sentence:
    """A part of an answer: ``then`` if the ``condition`` holds, otherwise ``otherwise``.

    Without a condition it is always ``then``; without ``otherwise`` it may be nothing.
    """

    then: Template
    condition: Expression | None = None
    otherwise: Template | None = None

    @property
    def plain(self) -> str | dict[str, str]:
        """The sentence as it is written in a scenario."""
        if self.condition is None:
            return str(self.then)
        written = {IF: str(self.condition), THEN: str(self.then)}
        return written if self.otherwise is None else {**written, ELSE: str(self.otherwise)}

    @property
    def names(self) -> Iterator[tuple[tuple[str, ...], MeasureName]]:
        """All names of measures, each with the key under which it stands, if there is one."""
        if self.condition is not None:
            yield from (((IF,), name) for name in self.condition.names)
        where = () if self.condition is None else (THEN,)
        yield from ((where, name) for name in self.then.names)
        if self.otherwise is not None:
            yield from (((ELSE,), name) for name in self.otherwise.names)


def _check_answer(value: object) -> tuple[Sentence, ...]:
    """Return the sentences of an answer, which is a text or a list."""
    entries = value if isinstance(value, list | tuple) else [value]
    if len(entries) > MAX_SENTENCES:
        raise invalid_value(f"{len(entries)} sentences; allowed: at most {MAX_SENTENCES}")
    reader = _Reader()
    for index, entry in enumerate(entries):
        reader.read(entry, (index,) if entries is value else ())
    raise_all(reader.found)
    return tuple(reader.sentences)


@dataclass
class _Reader:
    """Reads the entries of an answer; ``found`` are all their errors."""

    sentences: list[Sentence] = field(default_factory=list)
    found: list[tuple[Location, PydanticCustomError]] = field(default_factory=list)

    def read(self, entry: object, where: Location) -> None:
        """Add the sentence that ``entry`` stands for, or its errors."""
        if isinstance(entry, Sentence):
            self.sentences.append(entry)
        elif isinstance(entry, dict):
            self._read_choice(entry, where)
        elif (template := self._parsed(parse_template, entry, where)) is not None:
            self.sentences.append(Sentence(template))

    def _read_choice(self, entry: dict[str, object], where: Location) -> None:
        for key in entry.keys() - {IF, THEN, ELSE}:
            message = unknown("key", str(key), (IF, THEN, ELSE))
            hint = "put a sentence that begins with { in quotes"
            self._refuse((*where, key), f"{message}; {hint}", at_key=True)
        for key in (IF, THEN):
            if key not in entry and entry.keys() <= {IF, THEN, ELSE}:
                self._refuse(where, f"missing key {key!r}; {_FORM}")
        condition = self._parsed(parse_condition, entry.get(IF), (*where, IF), IF in entry)
        then = self._parsed(parse_template, entry.get(THEN), (*where, THEN), THEN in entry)
        otherwise = self._parsed(parse_template, entry.get(ELSE), (*where, ELSE), ELSE in entry)
        if condition is not None and then is not None:
            self.sentences.append(Sentence(then, condition, otherwise))

    def _parsed(
        self,
        parse: Callable[[str], _Parsed],
        text: object,
        where: Location,
        is_written: bool = True,
    ) -> _Parsed | None:
        """Return the parsed ``text``; None if it is not valid, or not written at all."""
        if not is_written:
            return None
        if not isinstance(text, str) or not text.strip() or not text.isprintable():
            what = quote(text) if isinstance(text, str) else describe(text)
            self._refuse(where, f"{what}; {_FORM}")
            return None
        try:
            return parse(text)
        except ExpressionError as error:
            self._refuse(where, error.message, column=error.column)
            return None

    def _refuse(
        self, where: Location, message: str, *, at_key: bool = False, column: int = 0
    ) -> None:
        self.found.append((where, invalid_value(message, at_key=at_key, column=column)))


AnswerText = Annotated[
    tuple[Sentence, ...],
    PlainValidator(_check_answer, json_schema_input_type=str | list[str | dict[str, str]]),
    PlainSerializer(lambda answer: [each.plain for each in answer], return_type=list),
]


def _check_shown(value: object) -> tuple[str, ...]:
    """Return the full names of the measures to show."""
    if not isinstance(value, list | tuple):
        raise invalid_value(f"{describe(value)}; write a list of measures, e.g. [makespan, p99]")
    if len(value) > MAX_SHOWN:
        raise invalid_value(f"{len(value)} measures; allowed: at most {MAX_SHOWN}")
    raise_all(
        ((index,), invalid_value(message))
        for index, each in enumerate(value)
        if (message := _shown_error(each, value[:index]))
    )
    return tuple(full_name(plain_name(each)) for each in value)


def _shown_error(name: object, before: Sequence[object]) -> str:
    if not isinstance(name, str):
        return f"{describe(name)}; write the name of a measure, e.g. makespan"
    try:
        is_known = find_measure(plain_name(name)) is not None
    except PercentileError as error:
        return str(error)
    if not is_known:
        own_name = name.rpartition(".")[2]
        known = (*MEASURES, *ALIASES)
        return percentile_problem(own_name) or unknown("measure", own_name, known)
    earlier = [full_name(plain_name(each)) for each in before if isinstance(each, str)]
    is_repeated = full_name(plain_name(name)) in earlier
    return "this measure is already in the list; name each once" if is_repeated else ""


ShownMeasures = Annotated[
    tuple[str, ...],
    PlainValidator(_check_shown, json_schema_input_type=list[str]),
    PlainSerializer(list, return_type=list[str]),
]


@dataclass(frozen=True)
class AnswerScope:
    """What the sentences and columns of a scenario may name: as ``scope``."""

    scope: Scope

    def errors(self, sentences: Sequence[Sentence], shown: Sequence[str]) -> Found:
        """Yield the errors in both, each with its location."""
        for index, sentence in enumerate(sentences):
            for where, name in sentence.names:
                if message := self._error(name):
                    location: Location = (ANSWER, index, *where)
                    yield location, invalid_value(message, column=name.span.column)
        for index, each in enumerate(shown):
            if message := self.scope.prefix_error(MeasureName(Span(0, len(each)), each)):
                yield (SHOW, index), invalid_value(message)

    def _error(self, name: MeasureName) -> str:
        if name.name == RATIO:
            return self.scope.prefix_error(MeasureName(name.span, name.model or "makespan"))
        if message := self.scope.prefix_error(name):
            return message
        if name.model and name.model not in (*self.scope.models, *EXTREMES):
            return unknown("model", name.model, self.scope.models)
        return self.scope.point_error(name)
