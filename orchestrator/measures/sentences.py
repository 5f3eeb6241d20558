"""Values in the words of a sentence: ``3.52 s``, ``no messages``, ``1 of 400 messages``, lists."""

import re
from collections.abc import Sequence
from typing import SupportsInt

from orchestrator.measures.dimensions import (
    COUNT,
    RATE,
    SIZE,
    SIZE_STEPS,
    TIME,
    TIME_STEPS,
    Dimension,
)
from orchestrator.measures.evaluate import AT_LEAST, AT_MOST

DIGITS = 3
BOUNDS = {AT_LEAST: "at least ", AT_MOST: "at most ", "": ""}
PLURALS = {
    "is": "are", "was": "were", "has": "have", "does": "do", "takes": "take", "needs": "need",
    "waits": "wait", "serves": "serve", "finishes": "finish", "loses": "lose", "uses": "use",
    "answers": "answer", "keeps": "keep", "makes": "make", "costs": "cost",
}  # fmt: skip
"""Verbs that agree with the names before them."""

_SINGULARS = {plural: verb for verb, plural in PLURALS.items()} | {"belong": "belongs"}


def value_text(value: float, dimension: Dimension) -> str:
    """Return ``value`` with its unit and at most three digits: ``3.52 s``, ``34.7 per second``."""
    if dimension == TIME:
        return _stepped(value, [(size, unit) for size, unit, _ in TIME_STEPS], "s")
    if dimension == SIZE:
        return _stepped(value, SIZE_STEPS, "B")
    if dimension == RATE:
        return f"{number_text(value)} per second"
    return f"{number_text(value)} {dimension.unit}".rstrip()


def number_text(value: float, digits: int = DIGITS) -> str:
    """Return ``value`` as a whole number if it is one, else with at most so many digits."""
    if value == round(value):
        return f"{value:.0f}"
    whole_digits = len(f"{abs(value):.0f}") if abs(value) >= 1 else 0
    if whole_digits >= digits:
        return f"{value:.0f}"
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.10f}".rstrip("0").rstrip(".")


def _stepped(value: float, steps: Sequence[tuple[float, str]], smallest: str) -> str:
    """Return ``value`` in the largest unit of which it is one or more, rounded."""
    for size, unit in steps:
        if float(f"{abs(value) / size:.{DIGITS}g}") >= 1:
            return f"{number_text(value / size)} {unit}"
    size, unit = steps[-1] if value and smallest != "B" else (1.0, smallest)
    return f"{number_text(value / size)} {unit}"


def count_text(value: float, noun: str) -> str:
    """Return a number of things, whose ``noun`` is in the plural: ``no messages``, ``1 message``.

    Without a noun, it is the number alone.
    """
    if not noun:
        return number_text(value)
    if value == 0:
        return f"no {noun}"
    return f"{number_text(value)} {singular(noun) if value == 1 else noun}"


def counted(number: SupportsInt, things: str) -> str:
    """Return a number of things, and what they do, both in the plural in ``things``.

    ``0 messages``, ``1 message``; of ``messages were lost``: ``1 message was lost``.
    """
    if int(number) != 1:
        return f"{int(number)} {things}"
    noun, *rest = things.split(" ")
    verb = next((place for place, word in enumerate(rest) if word in _SINGULARS), None)
    if verb is not None:
        rest[verb] = _SINGULARS[rest[verb]]
    return " ".join(["1", singular(noun), *rest])


def share_text(value: float, total: float, dimension: Dimension, noun: str) -> str:
    """Return a part of a ``total``: ``1 of 400 messages``, ``none of 400``, ``all 400``."""
    if dimension != COUNT:
        return f"{value_text(value, dimension)} of {value_text(total, dimension)}"
    of_all = count_text(total, noun) if total else f"0 {noun}".rstrip()
    if value == total and total > 1:
        return f"all {of_all}"
    return f"{number_text(value) if value else 'none'} of {of_all}"


def singular(noun: str) -> str:
    """Return a regular plural in the singular: ``messages``, ``replies``, ``crashes``."""
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    if noun.endswith(("sses", "shes", "ches", "xes")):
        return noun[:-2]
    return noun.removesuffix("s")


def joined(words: Sequence[str]) -> str:
    """Return ``a, b and c``; with a comma before the last ``and`` if a word has one itself."""
    *first, last = words
    if not first:
        return last
    comma = "," if any(" and " in word or "," in word for word in words) else ""
    return f"{', '.join(first)}{comma} and {last}"


def agreeing(text: str) -> str:
    """Return ``text``, which follows several names, with its first verb in the plural."""
    found = re.match(r" ([a-z]+)\b", text)
    if found is None or found[1] not in PLURALS:
        return text
    return f" {PLURALS[found[1]]}{text[found.end() :]}"
