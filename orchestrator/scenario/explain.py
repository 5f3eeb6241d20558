"""Errors of the validation library as problems of a file, each with its line and column.

No message of that library reaches a user.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.measures.hints import closest, label, listed, unknown
from orchestrator.scenario.fields import INVALID_VALUE, TRUTH_VALUE, describe
from orchestrator.scenario.yaml_document import Document, Location, Problem, ScenarioError

KeysAt = Callable[[Location], Sequence[str]]
"""Returns the keys that are allowed in the map in which a location is a key."""

_LIST, _MAP = "write a list, e.g. [a, b]", "write a map, e.g. {a: 1, b: 2}"
_NOT_ALLOWED = "this is not allowed here"
_FORMS = {"tuple_type": _LIST, "dict_type": _MAP, "model_type": _MAP}
"""What to write, by the type of an error of the validation library."""


def explained(error: ValidationError, document: Document, keys_at: KeysAt) -> ScenarioError:
    """Return the problems of ``document``: those found before, and those of ``error``."""
    errors = error.errors(include_url=False)
    problems = [*document.problems, *_problems(errors, document, keys_at)]
    return ScenarioError(problems or [_problem(each, document, keys_at) for each in errors])


def _problems(
    errors: Sequence[ErrorDetails], document: Document, keys_at: KeysAt
) -> Iterator[Problem]:
    """Yield the problems that ``errors`` stand for, each once.

    Left out are errors at a part that was refused before, and a missing key that is there with a
    spelling error, because the misspelt key is reported.
    """
    misspelt = {
        (*each["loc"][:-1], closest(str(each["loc"][-1]), keys_at(each["loc"])))
        for each in errors
        if each["type"] == "extra_forbidden"
    }
    for each in errors:
        is_misspelt = each["type"] == "missing" and each["loc"] in misspelt
        if not is_misspelt and document.existing(each["loc"]) not in document.refused:
            yield _problem(each, document, keys_at)


def _problem(error: ErrorDetails, document: Document, keys_at: KeysAt) -> Problem:
    """Return ``error``, found in the data of ``document``, as a problem of its file."""
    place = document.places[document.existing(error["loc"])]
    context = error.get("ctx", {})
    if error["type"] == "extra_forbidden" or context.get("at_key"):
        line, column = place.key
    else:
        line, column = place.value
        if place.text_offset is not None and context.get("column"):
            column += place.text_offset + context["column"] - 1
    message = _message(error, keys_at)
    if word := document.words.get(error["loc"]):
        message = re.sub(
            f"(?:true|false) {TRUTH_VALUE}", f"{word} {TRUTH_VALUE} if unquoted", message
        )
    return Problem(document.file, line, column, message)


def _message(error: ErrorDetails, keys_at: KeysAt) -> str:
    kind, location = error["type"], error["loc"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown("key", str(location[-1]), keys_at(location))
    if kind == "missing":
        return f"missing key {location[-1]!r}; keys here: {listed(keys_at(location))}"
    if kind == INVALID_VALUE:
        message = str(context["message"])
    else:
        form = f"{_LIST}, or all" if location == ("models",) else _FORMS.get(kind, _NOT_ALLOWED)
        message = f"{describe(error['input'])}; {form}"
    if context.get("at_key") or not location or isinstance(location[-1], int):
        return message
    return f"{label(location[-1])}: {message}"
