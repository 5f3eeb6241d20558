"""From a file to a scenario, or to every problem that the file has."""

from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from orchestrator.scenario.explain import explain, without_echoes
from orchestrator.scenario.problems import ScenarioError
from orchestrator.scenario.scale import KEY as SCALE
from orchestrator.scenario.scale import RUN, Scale
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.target import join_models
from orchestrator.scenario.variables import substitute
from orchestrator.scenario.yaml_source import read_document


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
