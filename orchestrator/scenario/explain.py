"""Validation errors as problems of the file: their place in it, and a person's words.

Promises that no wording of the validation library reaches a user.
"""

from collections.abc import Sequence

from pydantic_core import ErrorDetails

from orchestrator.scenario.executors import section_of
from orchestrator.scenario.faults import Fault
from orchestrator.scenario.problems import Problem
from orchestrator.scenario.ramp import Stage
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.sections import Limits, Section, ServerSettings
from orchestrator.scenario.target import Target
from orchestrator.scenario.values import COMPLAINT, describe
from orchestrator.scenario.variables import KEY as VARIABLES
from orchestrator.scenario.yaml_source import Document, Location
from orchestrator.wording import closest, label, listed, unknown

_WANTED = {
    "tuple_type": "write a list, e.g. [a, b]",
    "dict_type": "write a map, e.g. {a: 1, b: 2}",
    "model_type": "write a map, e.g. {a: 1, b: 2}",
}


def without_echoes(errors: Sequence[ErrorDetails], document: Document) -> list[ErrorDetails]:
    """Leave out each key that is missing because it is misspelt: the misspelling says it all."""
    meant = {
        (*each["loc"][:-1], closest(str(each["loc"][-1]), _keys(each["loc"], document)))
        for each in errors
        if each["type"] == "extra_forbidden"
    }
    return [each for each in errors if each["type"] != "missing" or each["loc"] not in meant]


def explain(error: ErrorDetails, document: Document) -> Problem:
    """Return ``error``, found in the data of ``document``, as a problem of its file."""
    place = document.places[document.existing(error["loc"])]
    context = error.get("ctx", {})
    if error["type"] == "extra_forbidden" or context.get("at_key"):
        line, column = place.key
    else:
        line, column = place.value
        if place.text_offset is not None and context.get("column"):
            column += place.text_offset + context["column"] - 1
    return Problem(document.file, line, column, _message(error, document))


def _message(error: ErrorDetails, document: Document) -> str:
    kind, location = error["type"], error["loc"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        return unknown("key", str(location[-1]), _keys(location, document))
    if kind == "missing":
        return f"missing key {location[-1]!r}; keys here: {listed(_keys(location, document))}"
    if kind == COMPLAINT:
        message = str(context["message"])
    else:
        wanted = _WANTED.get(kind, "this is not allowed here")
        message = f"{describe(error['input'])}; {wanted}"
    if context.get("at_key") or not location or isinstance(location[-1], int):
        return message
    return f"{label(location[-1])}: {message}"


def _keys(location: Location, document: Document) -> list[str]:
    """Return the keys allowed in the map that ``location`` ends in."""
    match location[:-1]:
        case ():
            return [*Scenario.model_fields, VARIABLES]
        case ("target", *_):
            section: type[Section] = Target
        case ("limits", *_):
            section = Limits
        case ("faults", *_):
            section = Fault
        case ("clients", int(index)):
            section = section_of(document.data["clients"][index])
        case ("clients", *_):
            section = Stage
        case _:
            section = ServerSettings
    return list(section.model_fields)
