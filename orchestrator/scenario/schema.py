"""The scenario language as a JSON Schema, made from the sections that read it; for editors.

It knows every key, kind and range. What takes a parser, or several keys at once, it lets pass:
expressions, laws, rules between keys. ``validate`` says those.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.scenario.executors import EXECUTORS
from orchestrator.scenario.matrix import FIXED, MAX_VALUES
from orchestrator.scenario.meanings import KEY_MEANINGS
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.variables import KEY as VARIABLES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Scenario of the Server Models Lab"
_NAME = "[A-Za-z][A-Za-z0-9_]{0,29}"
_VARIABLE = {"type": "string", "pattern": "[$]", "description": "a variable: $name, ${name}"}
_GROUPS = [section.__name__ for section in EXECUTORS.values()]
_SERVERS = ["ServerSettings", "Limits"]

Schema = dict[str, Any]


def scenario_schema() -> Schema:
    """Return the schema, in draft 2020-12."""
    made = Scenario.model_json_schema(mode="validation")
    sections = {name: _section(each) for name, each in made.pop("$defs").items()}
    whole = _section(made)
    properties = whole["properties"]
    properties["matrix"] = _matrix(sections) | {"description": KEY_MEANINGS["matrix"]}
    properties[VARIABLES] = {
        "type": "object",
        "propertyNames": {"pattern": f"^{_NAME}$"},
        "additionalProperties": {"type": ["string", "number", "boolean"]},
        "description": KEY_MEANINGS[VARIABLES],
    }
    whole["required"].remove("models")  # left out, they are all that there are
    defined = {**sections, "Variable": _VARIABLE}
    return {"$schema": DIALECT, "title": TITLE, **whole, "$defs": defined}


def _section(made: Schema) -> Schema:
    """Return a map of the file, each of its keys with its meaning."""
    properties = {
        key: _value(each) | {"description": KEY_MEANINGS.get(key, "")}
        for key, each in made["properties"].items()
    }
    return {
        "type": "object",
        "description": made["description"],
        "properties": properties,
        "required": list(made.get("required", [])),
        "additionalProperties": False,
    }


def _value(made: Schema) -> Schema:
    """Return what a key may hold; a single value, unless it is any text, may be a variable.

    There is no null in a scenario: who wants a default leaves the key out.
    """
    kept = {key: each for key, each in made.items() if key not in {"title", "default"}}
    if isinstance(made.get("default"), str | int | float):
        kept["default"] = made["default"]
    if "anyOf" in kept:
        return _choice(kept)
    if kept.get("type") == "array":
        least = {} if "default" in made else {"minItems": 1}
        return kept | {"items": _value(kept["items"])} | least
    if isinstance(kept.get("additionalProperties"), dict):
        return kept | {"additionalProperties": _value(kept["additionalProperties"])}
    if "$ref" in kept or kept == {"type": "string"} or "const" in kept:
        return kept
    return _or_variable([kept])


def _choice(made: Schema) -> Schema:
    """Return one of several kinds of value."""
    kinds = [each for each in made.pop("anyOf") if each.get("type") != "null"]
    if all("$ref" in each for each in kinds):
        return made | {"oneOf": kinds}
    values = [each for each in kinds if each.get("type") != "array"]
    lists = [_value(each) for each in kinds if each.get("type") == "array"]
    return made | _or_variable(values + lists)


def _or_variable(kinds: list[Schema]) -> Schema:
    shared = {key: each.pop(key) for each in kinds for key in ("default",) if key in each}
    return {"anyOf": [*kinds, {"$ref": "#/$defs/Variable"}], **shared}


def _matrix(sections: Mapping[str, Schema]) -> Schema:
    """Return the axes: every key of a group, alone or behind the group's name, and the server's."""
    axes: dict[str, list[Schema]] = {}
    for pattern, value in _axes(sections):
        axes.setdefault(pattern, [])
        if value not in axes[pattern]:
            axes[pattern].append(value)
    return {
        "type": "object",
        "patternProperties": {
            pattern: {
                "type": "array",
                "items": values[0] if len(values) == 1 else {"anyOf": values},
                "minItems": 1,
                "maxItems": MAX_VALUES,
                "uniqueItems": True,
            }
            for pattern, values in axes.items()
        },
        "additionalProperties": False,
    }


def _axes(sections: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Yield the pattern of each axis and what its values may be."""
    for name in (*_GROUPS, *_SERVERS):
        prefix = rf"(?:{_NAME}\.)?" if name in _GROUPS else ""
        for key, value in sections[name]["properties"].items():
            if key not in FIXED:
                plain = {"default", "description"}
                yield f"^{prefix}{key}$", {k: v for k, v in value.items() if k not in plain}
