"""The values of Play's part of a page: its controls as they are set, and the first picture."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from orchestrator.explore.play.controls import (
    CHOICES,
    MODELS_MEANING,
    SLIDERS,
    Choice,
    Controls,
    Slider,
)
from orchestrator.report.environment import printable_lines
from orchestrator.scenario.models import discover_twins
from orchestrator.twin.parameters import Kind


def usual_controls() -> Controls:
    """Return what is shown first: a pool beside a loop, with one user more than workers."""
    twins = discover_twins()
    wanted = (Kind.PROCESSES, Kind.LOOP)
    return Controls(tuple(next(m for m, kind in twins.items() if kind == each) for each in wanted))


def page_values(
    controls: Controls,
    answer: Mapping[str, Any],
    models: Sequence[str],
    cpus: float,
    values: Mapping[str, Sequence[Any]] | None = None,
) -> dict[str, Any]:
    """Return the values of ``play.html.j2``, whose first picture is ``answer``.

    ``values`` are those that each control may have, by its name, if the answers were computed
    before: the controls without any cannot be moved, and ``models`` are then none.
    """
    is_movable = [each for each in (*SLIDERS, *CHOICES) if values is None or each.name in values]
    return {
        "title": "Play",
        "controls": json.dumps(controls.as_data()),
        "cpus": f"{cpus:g}",
        "models": list(models),
        "models_meaning": MODELS_MEANING,
        "chosen": controls.models,
        "sliders": [
            _slider(each, getattr(controls, each.name), (values or {}).get(each.name, each.stops))
            for each in is_movable
            if isinstance(each, Slider)
        ],
        "choices": [
            {
                "name": each.name,
                "title": each.title,
                "meaning": each.meaning,
                "load": each.load,
                "value": getattr(controls, each.name),
                "options": [
                    (value, text)
                    for value, text in each.values.items()
                    if values is None or value in values[each.name]
                ],
            }
            for each in is_movable
            if isinstance(each, Choice)
        ],
        "fixed": [] if values is None else _fixed(controls, values),
        "sentence": answer["sentence"],
        "picture": Markup(answer["picture"]),  # noqa: S704 made by our templates
        "yaml": printable_lines(answer["yaml"]) + "\n",
    }


def _slider(slider: Slider, value: int, stops: Sequence[int]) -> dict[str, Any]:
    own = sorted({*stops, value})
    return {
        "name": slider.name,
        "title": slider.title,
        "meaning": slider.meaning,
        "unit": slider.unit,
        "load": slider.load,
        "stops": own,
        "place": own.index(value),
    }


def _fixed(controls: Controls, values: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return what cannot be moved, of what counts for this kind of load."""
    return [
        f"{each.title} {_text(each, getattr(controls, each.name))}"
        for each in (*SLIDERS, *CHOICES)
        if each.name not in values and each.load in ("", controls.load)
    ]


def _text(control: Slider | Choice, value: Any) -> str:  # noqa: ANN401 a number or a word
    if isinstance(control, Choice):
        return control.values[value]
    return f"{value} {control.unit}".rstrip() if value else "none"
