"""Whom a scenario is about: its models and its target, and who an expectation may be of."""

from pydantic import ValidationInfo

from orchestrator.scenario.target import Target, breaches_of_target
from orchestrator.scenario.values import complaint, complaints
from orchestrator.wording import unknown

EVERY_MODEL = "all"


def check_model(model: str, info: ValidationInfo) -> str:
    """Accept a model that is known, and the target; without a context every name is."""
    known = (info.context or {}).get("known_models")
    target = info.data.get("target")
    is_target = "target" not in info.data or (target is not None and target.name == model)
    if known is not None and model not in known and not is_target:
        raise complaint(unknown("model", model, known))
    return model


def check_target(target: Target | None, info: ValidationInfo) -> Target | None:
    """Refuse a target that cannot be had, or goes by another's name."""
    known = (info.context or {}).get("known_models") or ()
    found = [] if target is None else breaches_of_target(target, known)
    complaints(((key,), complaint(message)) for key, message in found)
    return target


def check_unique(models: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a model that is there twice."""
    first = {model: index for index, model in reversed(list(enumerate(models)))}
    message = "this model is in the list already; name each model once"
    complaints(
        ((index,), complaint(message))
        for index, model in enumerate(models)
        if first[model] != index
    )
    return models


def check_subject(subject: str, info: ValidationInfo) -> str:
    """Accept a model of this scenario; unless the models are themselves in doubt."""
    models = info.data.get("models")
    if models is not None and subject not in (*models, EVERY_MODEL):
        raise complaint(unknown("model", subject, (*models, EVERY_MODEL)), at_key=True)
    return subject
