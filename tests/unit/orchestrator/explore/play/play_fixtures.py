"""What Play makes of controls, for its tests."""

from typing import Any

from orchestrator.explore.play.controls import Controls
from orchestrator.explore.play.outcome import Outcome
from orchestrator.explore.play.redraw import predict
from orchestrator.explore.play.sentence import sentence

CPUS = 2.0


def controls(*models: str, **values: Any) -> Controls:  # noqa: ANN401 of any control
    """Return controls for ``models``, prefork beside epoll if there are none."""
    return Controls(models or ("prefork", "epoll"), **values)


def outcome(model: str, **values: Any) -> Outcome:  # noqa: ANN401 of any control
    """Return what ``model`` does."""
    return predict(controls(model, **values), CPUS).outcomes[model]


def said(new: Controls, old: Controls | None = None) -> str:
    """Return the sentence about a change."""
    now = (new, predict(new, CPUS).outcomes)
    return sentence(now, None if old is None else (old, predict(old, CPUS).outcomes))
