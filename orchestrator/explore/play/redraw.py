"""The answer to a move of the controls: picture, sentence, figures and the scenario, for a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.outcome import Outcome
from orchestrator.explore.play.picture import MOST_DRAWN, picture
from orchestrator.explore.play.predicted_run import predict_run
from orchestrator.explore.play.sentence import sentence
from orchestrator.explore.play.to_scenario import scenario_of, yaml_of
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.twin.predict import NoTwinError

KEPT = 8
"""Predictions: those of the picture before, and of a slider that goes back and forth."""


@dataclass(frozen=True)
class Predicted:
    """The outcome of each case by its name, and of those without a twin the reason."""

    outcomes: Mapping[str, Outcome]
    refused: Mapping[str, str]


def predict(controls: Controls, cpus: float) -> Predicted:
    """Return what the twin says of each model of ``controls``, on ``cpus`` CPUs."""
    return predict_cases(plan_cases(scenario_of(controls)), cpus)


def predict_cases(cases: Sequence[Case], cpus: float) -> Predicted:
    """Return what the twin says of each of ``cases``."""
    outcomes: dict[str, Outcome] = {}
    refused: dict[str, str] = {}
    for case in cases:
        try:
            outcomes[case.name] = Outcome(predict_run(case, discover_twins(), cpus))
        except NoTwinError as exc:
            refused[case.name] = str(exc)
    return Predicted(outcomes, refused)


_recent = lru_cache(KEPT)(predict)


def redraw(
    controls: Controls, before: Controls | None, cpus: float, most_drawn: int = MOST_DRAWN
) -> dict[str, Any]:
    """Return the answer, as values that JSON has; ``before`` are those of the picture before."""
    found = _recent(controls, cpus)
    return {
        "controls": controls.as_data(),
        "sentence": explain(controls, before, cpus),
        "picture": picture(found.outcomes, found.refused, controls.nouns, most_drawn),
        "yaml": yaml_of(controls),
    }


def explain(controls: Controls, before: Controls | None, cpus: float) -> str:
    """Return what changed since ``before``, and why; what is to be seen if that is None."""
    now = (controls, _recent(controls, cpus).outcomes)
    if before is None:
        return sentence(now)
    return sentence(now, (before, _recent(before, cpus).outcomes))
