"""Answers the question of a scenario: fills its sentences with the values of a campaign.

A measure without a subject has a value for each case; equal ones are named together. Cases that
cannot be told apart share a place; if none can be, the sentence says so instead of naming one.
What is not known is named as such. Pure functions.
"""

from collections.abc import Iterable, Iterator, Sequence

from orchestrator.campaign.answer_values import (
    CaseValues,
    Extremes,
    Lookup,
    Row,
    is_largest,
    is_same,
)
from orchestrator.campaign.case_names import CaseKey, CaseNames, axes_of
from orchestrator.measures.bounds import Values
from orchestrator.measures.dimensions import COUNT, Dimension
from orchestrator.measures.registry import is_input
from orchestrator.measures.sentences import (
    BOUNDS,
    agreeing,
    count_text,
    counted,
    joined,
    number_text,
    share_text,
    value_text,
)
from orchestrator.measures.syntax import RATIO, Amount, MeasureName, Relation, Selection, names_in
from orchestrator.measures.template import Blank, Order, Template
from orchestrator.scenario.answer import Sentence
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario


def answer_of(scenario: Scenario, found: Iterable[tuple[Case, Sequence[Values]]]) -> list[str]:
    """Return the sentences of the answer of ``scenario`` from the values of each repeat of a case.

    Cases of the scenario may be missing.
    """
    cases = [CaseValues(_key(case), repeats) for case, repeats in found]
    return sentences_of(scenario.answer, cases, [*map(_key, plan_cases(scenario))])


def _key(case: Case) -> CaseKey:
    return CaseKey(case.model, axes_of(case.axes))


def sentences_of(
    answer: Sequence[Sentence], cases: Sequence[CaseValues], planned: Sequence[CaseKey] = ()
) -> list[str]:
    """Return the sentences of ``answer`` for ``cases``, and at their end what is not known.

    If more cases were ``planned``, nothing is said of every case, or of none.
    """
    if not cases:
        return []
    writer = _Writer(cases, planned or [case.key for case in cases])
    texts = [text for each in answer if (text := writer.sentence(each))]
    missing = ", ".join(dict.fromkeys(writer.missing))
    return [*texts, f"Not known from this run: {missing}."] if missing else texts


class _AlikeError(Exception):
    """A sentence names extremes, but there are none; the text says so instead."""


class _UnknownError(Exception):
    """A sentence needs a value that no case has."""


class _Writer:
    """Writes the sentences of an answer."""

    def __init__(self, cases: Sequence[CaseValues], planned: Sequence[CaseKey]) -> None:
        self._lookup = Lookup(cases, planned)
        self._names = CaseNames(planned)
        lacking = len(planned) - len(cases)
        self._is_whole = not lacking
        self._lacks = f"{lacking} of {counted(len(planned), 'cases')}" if lacking else ""

    @property
    def missing(self) -> list[str]:
        """The measures that the sentences so far needed and that have no value."""
        return self._lookup.missing

    def sentence(self, sentence: Sentence) -> str:
        """Return the text of ``sentence``; empty if it has nothing to say."""
        template: Template | None = sentence.then
        if sentence.condition is not None:
            holds = self._holds_everywhere(sentence.condition.comparison)
            if holds is None:
                return ""
            template = sentence.then if holds else sentence.otherwise
        try:
            return "" if template is None else self._filled(template)
        except _AlikeError as alike:
            return str(alike)
        except _UnknownError:
            return ""

    def _holds_everywhere(self, condition: Relation) -> bool | None:
        """Return whether ``condition`` holds for each case; None if that is not known."""
        cases = self._lookup.clear_cases(condition)
        found = [self._lookup.relation(condition, case) for case in cases]
        if any(each.passed is False for each in found):
            return False
        outcomes = [self._lookup.note(each, condition).passed for each in found]
        if None not in outcomes and self._lacks and any(map(_is_of_each, names_in(condition))):
            self._lookup.missing.append(self._lacks)
            return None
        return None if None in outcomes else True

    def _filled(self, template: Template) -> str:
        text, is_plural = "", False
        for piece in template.pieces:
            if isinstance(piece, str):
                text += agreeing(piece) if is_plural else piece
                is_plural = False
            else:
                filled, is_plural = self._blank(piece)
                text += filled if text else self._begun(filled)
        return text

    def _begun(self, text: str) -> str:
        """Return ``text`` with a capital letter, unless it begins with the name of a model."""
        first = text.partition(" ")[0].rstrip(",")
        is_name = any(first == case.key.model for case in self._lookup.cases)
        return text if is_name else text[:1].upper() + text[1:]

    def _blank(self, blank: Blank) -> tuple[str, bool]:
        """Return what fills ``blank``, and whether it names several cases."""
        hole = blank.hole
        if isinstance(hole, Amount):
            return self._amount(blank, hole), False
        if blank.about is None or (hole.measure is None and hole.condition is not None):
            return self._which(hole), False
        chosen = [row.case.key for row in self._chosen(hole.word, blank.about)]
        return self._names.noun(chosen), self._names.are_several(chosen)

    def _which(self, selection: Selection) -> str:
        """Return the cases for which the condition of ``selection`` holds."""
        relation, cases = selection.condition, self._lookup.cases
        if relation is None:
            raise _UnknownError
        outcomes = [
            self._lookup.note(self._lookup.relation(relation, case), relation).passed
            for case in cases
        ]
        chosen = [case.key for case, passed in zip(cases, outcomes, strict=True) if passed]
        if not chosen and None in outcomes:
            raise _UnknownError
        if not chosen:
            return self._nowhere()
        if self._is_whole and len(chosen) == len(cases):
            return self._names.whole(is_all=True)
        return self._names.phrase(chosen)

    def _nowhere(self) -> str:
        """Return the name of none of the cases, of which there may be more than those known."""
        known = "in no case that is known"
        return self._names.whole(is_all=False) if self._is_whole else known

    def _chosen(self, word: str, order: Order) -> Sequence[Row]:
        """Return the cases that ``word`` names.

        Raises:
            _AlikeError: there are several, and none can be told apart, or none takes part.
            _UnknownError: none has a value.
        """
        extremes = self._lookup.extremes(order)
        if not extremes.rows:
            if order.condition is None or extremes.is_open:
                raise _UnknownError
            raise _AlikeError(f"The condition is met {self._nowhere()}.")
        if order.condition is None and len(extremes.first) == len(extremes.rows):
            raise _AlikeError(self._alike_text(extremes, order))
        return extremes.last if is_largest(word, order.dimension) else extremes.first

    def _alike_text(self, extremes: Extremes, order: Order) -> str:
        """Return the sentence for cases of which none is the first or the last."""
        names = self._names.noun([row.case.key for row in extremes.rows])
        value = _range_text([row.value or 0.0 for row in extremes.rows], order.dimension)
        measure = next(names_in(order.measure)).name.replace("_", " ").replace(".", " ")
        if len(extremes.rows) == 1:
            return f"Only {names} has a value: {measure} {value}."
        return f"There is no difference between {names}: {measure} {value}."

    def _amount(self, blank: Blank, amount: Amount) -> str:
        """Return the value of ``amount``: one for all cases, or a list of values with cases."""
        rows = self._lookup.rows(amount.part, blank.about, amount.total)
        if all(row.value is None for row in rows):
            for row in rows:
                self._lookup.note(row.found, amount.part)
            raise _UnknownError
        is_of_some = not self._is_whole and any(map(_is_of_each, names_in(amount.part)))
        names = self._names if is_of_some else CaseNames([row.case.key for row in rows])
        groups = list(_grouped(rows, blank.dimension))
        texts = [self._group_text(blank, amount, group) for group in groups]
        if len(groups) == 1 and not is_of_some:
            return texts[0]
        phrases = [names.phrase([row.case.key for row in group]) for group in groups]
        return joined([f"{text} {phrase}" for text, phrase in zip(texts, phrases, strict=True)])

    def _group_text(self, blank: Blank, amount: Amount, group: Sequence[Row]) -> str:
        """Return the value that the cases of ``group`` share."""
        values = [row.value for row in group if row.value is not None]
        if not values:
            return "not known"
        bound = BOUNDS[group[0].found.left_bound]
        if (total := group[0].total) is not None:
            return bound + share_text(values[0], total, blank.dimension, amount.noun)
        if _is_ratio(amount):
            return number_text(values[0], digits=2)
        if blank.dimension == COUNT and len(set(values)) == 1:
            return bound + count_text(values[0], amount.noun)
        error = max(row.found.left_error for row in group)
        text = bound + _mean_text(values, blank.dimension)
        text += f" ±{value_text(error, blank.dimension)}" if error else ""
        return f"{text} {amount.noun}" if amount.noun else text


def _is_of_each(name: MeasureName) -> bool:
    """Return whether ``name`` is measured in each case, and not of one model or set by the file."""
    return not name.model and name.name != RATIO and not is_input(name.name)


def _is_ratio(amount: Amount) -> bool:
    return isinstance(amount.part, MeasureName) and amount.part.name == RATIO


def _grouped(rows: Sequence[Row], dimension: Dimension) -> Iterator[list[Row]]:
    """Yield ``rows`` in order, those with the same value together, unknown ones last."""
    groups: list[list[Row]] = []
    for row in rows:
        for group in groups:
            if _is_together(group[0], row, dimension):
                group.append(row)
                break
        else:
            groups.append([row])
    yield from sorted(groups, key=lambda group: group[0].value is None)


def _is_together(one: Row, other: Row, dimension: Dimension) -> bool:
    if one.value is None or other.value is None:
        return one.value is other.value
    if one.found.left_bound != other.found.left_bound or (one.total is None) != (
        other.total is None
    ):
        return False
    is_alike = is_same(one.value, other.value, dimension)
    return is_alike and is_same(one.total or 0.0, other.total or 0.0, dimension)


def _mean_text(values: Sequence[float], dimension: Dimension) -> str:
    """Return values that are the same but for noise as one."""
    low, high = (value_text(end, dimension) for end in (min(values), max(values)))
    return low if low == high else f"about {value_text(sum(values) / len(values), dimension)}"


def _range_text(values: Sequence[float], dimension: Dimension) -> str:
    low, high = (value_text(end, dimension) for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"
