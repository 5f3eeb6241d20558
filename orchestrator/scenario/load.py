"""Load a scenario file: read it, replace variables and arithmetic, validate it.

All problems of a file are reported at once, each with its line and column.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from orchestrator.scenario.arithmetic import resolve_arithmetic
from orchestrator.scenario.claims import Claim, PublishedFigure, Source
from orchestrator.scenario.client_place import ClientPlace
from orchestrator.scenario.clients import Stage, section_of
from orchestrator.scenario.explain import explained
from orchestrator.scenario.faults import Fault
from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD, MaxLoad
from orchestrator.scenario.models import discover_classic, discover_ignored
from orchestrator.scenario.references import EVERY_MODEL
from orchestrator.scenario.retry import Retry
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import (
    OWN_SETTINGS,
    Limits,
    Section,
    ServerSettings,
    Sysctls,
    Target,
    add_target_to_models,
)
from orchestrator.scenario.variables import TIERS, VARIABLES, substitute
from orchestrator.scenario.versions import with_versions
from orchestrator.scenario.yaml_document import (
    Document,
    Location,
    ScenarioError,
    parse_document,
    read_document,
)


def load_scenario(
    path: Path,
    known_models: Collection[str] | None,
    settings: Mapping[str, str] = MappingProxyType({}),
    max_load: MaxLoad = RUN_LOAD,
    ignored: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Scenario:
    """Return the scenario in the file ``path``.

    ``known_models`` are the models that can be run; a scenario that names no models gets the
    classic ones, and all of them for ``models: all``. None accepts any name, for a stored run that
    is only analysed. ``settings`` are values for the variables of the scenario, as text.
    ``max_load`` is the largest load that it may ask for. ``ignored`` are the keys of ``server``
    that each model ignores, if the scenario names none.

    Raises:
        ScenarioError: with every problem found, each at its line and column.
    """
    document = read_document(path, blank_under=VARIABLES)
    return _scenario_in(document, known_models, settings, max_load, ignored)


def parse_scenario(file: str, text: str, known_models: Collection[str]) -> Scenario:
    """Return the scenario in the ``text`` of a file called ``file``, as `load_scenario` does.

    Raises:
        ScenarioError: with every problem found, each at its line and column.
    """
    document = parse_document(file, text, blank_under=VARIABLES)
    return _scenario_in(document, known_models, {}, RUN_LOAD, discover_ignored())


def _scenario_in(
    document: Document,
    known_models: Collection[str] | None,
    settings: Mapping[str, str],
    max_load: MaxLoad,
    ignored: Mapping[str, Sequence[str]],
) -> Scenario:
    substitute(document, settings)
    document.data = with_versions(document.data)
    resolve_arithmetic(document, max_load)
    data = document.data
    if known_models is not None and data.get("models") == EVERY_MODEL:
        data["models"] = list(known_models)
    add_target_to_models(data)
    if known_models is not None:
        data = {"models": _default_models(known_models), **data}
        data["ignores"] = _all_ignored(data, _ignored_axes(data, ignored))
    context = {"known_models": known_models, MAX_LOAD: max_load}
    try:
        scenario = Scenario.model_validate(data, context=context)
    except ValidationError as error:
        raise explained(error, document, lambda where: _keys(where, document)) from None
    if document.problems:
        raise ScenarioError(document.problems)
    return scenario


def _default_models(known_models: Collection[str]) -> list[str]:
    """Return the classic ones of ``known_models``, or all of them if none is classic."""
    classic = [name for name in discover_classic() if name in known_models]
    return classic or list(known_models)


def _ignored_axes(
    data: Mapping[str, Any], ignored: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the axes of the matrix that models of the scenario ignore, if there are any."""
    matrix, models = data.get("matrix"), data["models"]
    points = matrix if isinstance(matrix, list) else [matrix]
    axes = {key for point in points if isinstance(point, dict) for key in point}
    names = [each for each in models if isinstance(each, str)] if isinstance(models, list) else []
    found = {name: [key for key in ignored.get(name, ()) if key in axes] for name in names}
    return {name: keys for name, keys in found.items() if keys}


def _all_ignored(data: Mapping[str, Any], found: Mapping[str, list[str]]) -> Any:  # noqa: ANN401
    """Return the axes that models ignore: what the scenario says, or else ``found``.

    A setting that a model lacks is no axis of its cases, whatever the scenario says.
    """
    written = data.get("ignores", found)
    if not isinstance(written, dict):
        return written  # which is refused
    ignores = dict(written)
    for name, keys in found.items():
        lacking = [key for key in keys if key in OWN_SETTINGS]
        own = written.get(name, [])
        if lacking and isinstance(own, list):
            ignores[name] = own + [key for key in lacking if key not in own]
    return ignores


def _keys(location: Location, document: Document) -> list[str]:
    """Return the keys that are allowed in the map in which ``location`` is a key."""
    match location[:-1]:
        case ():
            return [*Scenario.model_fields, VARIABLES, TIERS]
        case ("clients", int(index)):
            section: type[Section] = section_of(document.data["clients"][index])
        case ("limits", "sysctls", *_):
            section = Sysctls
        case ("clients", int(), "retry"):
            section = Retry
        case ("clients", int(), "place"):
            section = ClientPlace
        case ("claims", int(), "published", *_):
            section = PublishedFigure
        case (str(name), *_):
            section = _SECTIONS.get(name, ServerSettings)
        case _:
            section = ServerSettings
    return list(section.model_fields)


_SECTIONS: Mapping[str, type[Section]] = {
    "source": Source,
    "target": Target,
    "limits": Limits,
    "claims": Claim,
    "faults": Fault,
    "clients": Stage,
}
"""The sections of a scenario by their keys; of client groups and in lists, what is below them."""
