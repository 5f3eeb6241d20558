"""The keys ``source`` and ``claims`` of a scenario: what was published, and what comes out here.

A claim is an expression between models or cases, as under ``compare``, which is always judged with
confidence. Its published cells are figures as the source prints them, each with what measures it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    model_validator,
)

from orchestrator.measures.expression import Expression, Term, fewest_repeats, parse_term
from orchestrator.measures.hints import listed
from orchestrator.measures.syntax import MeasureName
from orchestrator.results.reproduction import Claimed, Verdict
from orchestrator.scenario.fields import (
    ExpressionText,
    Found,
    Text,
    check_word,
    invalid_value,
    one_of,
    parsed,
    raise_all,
    whole,
)
from orchestrator.scenario.matrix import Point
from orchestrator.scenario.references import CLAIMS
from orchestrator.scenario.server import Section
from orchestrator.scenario.variables import FULL, QUICK

SOURCE, PUBLISHED = "source", "published"
CONFIDENCE = 0.95
MAX_SENTENCE_CHARS = 300
FIRST_YEAR, LAST_YEAR = 1900, 2100


def _check_sentence(text: str) -> str:
    """Accept one printable line, without its outer spaces."""
    text = text.strip()
    if not text or not text.isprintable() or len(text) > MAX_SENTENCE_CHARS:
        message = f"not a sentence; allowed: one line of at most {MAX_SENTENCE_CHARS} characters"
        raise invalid_value(message)
    return text


SentenceText = Annotated[Text, AfterValidator(_check_sentence)]


TermText = Annotated[
    Term,
    PlainValidator(lambda value: parsed(value, parse_term), json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]


def _word_of(kind: type[Verdict] | type[Claimed]) -> BeforeValidator:
    """Accept a word of ``kind``."""
    words = tuple(each.value for each in kind)
    return BeforeValidator(
        lambda value: value if isinstance(value, kind) else kind(check_word(value, words)),
        json_schema_input_type=Literal[words],
    )


class Source(Section):
    """Where claims were published."""

    author: SentenceText
    title: SentenceText
    year: Annotated[int, whole(FIRST_YEAR, LAST_YEAR)] | None = None
    place: SentenceText | None = None
    reference: SentenceText


class PublishedFigure(Section):
    """A figure as the source prints it, and what measures it here."""

    of: TermText
    figure: SentenceText


class Claim(Section):
    """One claim; ``place`` is that of the source if it is empty.

    One whose ``tier`` is full needs the longer runs of that tier, and is judged in no other.
    """

    says: SentenceText
    expression: ExpressionText
    claimed: Annotated[Claimed, _word_of(Claimed)] = Claimed.ORDER
    place: SentenceText | None = None
    published: Annotated[tuple[PublishedFigure, ...], Field(strict=False)] = ()
    known: Annotated[Verdict, _word_of(Verdict)]
    reason: SentenceText | None = None
    tier: Annotated[str, one_of(QUICK, FULL)] = QUICK

    @model_validator(mode="after")
    def _check(self) -> "Claim":
        if self.known is not Verdict.REPRODUCED and self.reason is None:
            message = f"it is known to be {self.known}; add reason: why, in one sentence"
            raise_all([(("known",), invalid_value(message))])
        return self

    @property
    def judged(self) -> Expression:
        """The expression, with the confidence that is meant if none is written."""
        written = self.expression
        comparison = replace(written.comparison, confidence=written.confidence or CONFIDENCE)
        return replace(written, comparison=comparison)

    @property
    def confidence(self) -> float:
        """The confidence of the verdict."""
        return self.expression.confidence or CONFIDENCE

    @property
    def names(self) -> list[MeasureName]:
        """All names of measures in the expression and the published cells."""
        named: list[Expression | Term] = [self.expression, *(each.of for each in self.published)]
        return [name for each in named for name in each.names]


def claim_errors(
    claims: Sequence[Claim], source: Source | None, points: Sequence[Point], repeats: int
) -> Found:
    """Yield what is wrong with ``claims`` as a part of a scenario with ``points`` and ``repeats``.

    Names in their expressions are checked by `orchestrator.scenario.references.Scope`.
    """
    if claims and source is None:
        message = "whose claims? add source: {author: …, title: …, year: …, reference: …}"
        yield (CLAIMS,), invalid_value(message, at_key=True)
    if source is not None and not claims:
        yield (SOURCE,), invalid_value("what does it claim? add claims, a list", at_key=True)
    axes = [axis for axis in points[0] if len({str(point[axis]) for point in points}) > 1]
    for index, claim in enumerate(claims):
        where = (CLAIMS, index, "expression")
        fewest = fewest_repeats(claim.confidence)
        if repeats < fewest:
            message = f"{claim.confidence:.5g} of confidence needs repeats: {fewest} or more"
            yield where, invalid_value(message)
        of_model = [name for name in claim.names if name.model]
        if missing := [axis for axis in axes if any(axis not in dict(n.point) for n in of_model)]:
            message = f"a claim has one verdict; name {listed(missing)} in each of its measures"
            yield where, invalid_value(message)
