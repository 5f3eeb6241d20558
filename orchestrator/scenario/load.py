"""From a file to a scenario, or to every problem that the file has.

Validation errors as problems of the file: their place in it, and a person's words. Promises that
no wording of the validation library reaches a user.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.measures.hints import closest, label, listed, unknown
from orchestrator.scenario.clients import Stage, section_of
from orchestrator.scenario.faults import Fault
from orchestrator.scenario.fields import COMPLAINT, RUN, Scale, describe
from orchestrator.scenario.fields import KEY as SCALE
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import Limits, Section, ServerSettings, Target, join_models
from orchestrator.scenario.variables import KEY as VARIABLES
from orchestrator.scenario.variables import substitute
from orchestrator.scenario.yaml_document import (
    Document,
    Location,
    Problem,
    ScenarioError,
    read_document,
)


def load_scenario(
    path: Path,
    known_models: Collection[str] | None,
    settings: Mapping[str, str] = MappingProxyType({}),
    scale: Scale = RUN,
) -> Scenario:
    """Return the scenario that ``path`` holds.

    ``settings`` are values for its variables, as text.

    ``known_models`` are the models that can be run, and the ones of a scenario that names none;
    None takes any name, for a stored run that is only analysed. ``scale`` is how much load it may
    ask for.

    Raises:
        ScenarioError: with every problem found, each at its line and column.
    """
    document = read_document(path)
    substitute(document, settings)
    data = document.data
    join_models(data)
    if known_models is not None:
        data = {"models": list(known_models), **data}
    problems = document.problems
    try:
        scenario = Scenario.model_validate(
            data, context={"known_models": known_models, SCALE: scale}
        )
    except ValidationError as error:
        problems += [
            explain(each, document)
            for each in without_echoes(error.errors(include_url=False), document)
            if document.existing(each["loc"]) not in document.refused
        ]
    if problems:
        raise ScenarioError(problems)
    return scenario


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
