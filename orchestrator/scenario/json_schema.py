"""The scenario language as a JSON Schema, made from the sections that read it; for editors.

It knows every key, kind and range. What takes a parser, or several keys at once, it lets pass:
expressions, laws, rules between keys. ``validate`` says those.

What each key of a scenario means, in a line, for editors; docs/scenarios.md says more.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.scenario.clients import EXECUTORS
from orchestrator.scenario.matrix import FIXED, MAX_VALUES
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


KEY_MEANINGS = {
    "intent": "the question, in one sentence; shown in logs and reports",
    "variables": "names with values, used as $name or ${name}; --set name=value gives another",
    "target": "a server of your own, beside the models or instead of them",
    "image": "a container image, which the engine has",
    "command": "a program and its arguments; {port} is where it is to listen",
    "address": "host:port of a server that runs already",
    "port": "where the image's server listens",
    "remote": "that an address which is not this machine may be put under load",
    "conformance": "whether it is held to the contract: first, or skip",
    "models": "whom the load is put to, in this order; every model where it is left out",
    "server": "settings of every server in the run",
    "limits": "what the server's container may use",
    "clients": "the load: groups of clients",
    "matrix": "a case for each combination of values; the keys of server, limits and clients",
    "expect": "what must hold, for a model or for all: expressions",
    "guess": "what you think will come out, for a model or for all: graded, and nothing fails",
    "compare": "what must hold between models: expressions such as p99(epoll) < p99(single)",
    "faults": "what is done to the server while the load runs",
    "at": "when, from the common start on",
    "fault": "what: pause, kill-worker, terminate, kill, cpu-limit, disconnect, latency, …",
    "lasts": "until it is undone; of terminate and kill: until the server is started again",
    "worker": "of kill-worker: its index, from 1, or random",
    "stream": "of a toxic: downstream, to the client, or upstream",
    "toxicity": "of a toxic: the share of the connections that have it",
    "attributes": "of a toxic: how much of it, in toxiproxy's words",
    "crowd": "of fill-backlog: how many connections that say nothing",
    "validity": "what must hold for a run to count as a measurement: expressions",
    "repeats": "how often each case runs; confidence takes 5 or more",
    "order": "every case once, then all again backwards, and so on; or one case after another",
    "warmup": "what is due before it does not count into the figures",
    "timeout": "how long the load of one run may take",
    "seed": "where random choices begin, so that they can be repeated",
    "workers": "processes or threads; a model without a pool ignores it",
    "backlog": "argument of listen: how many connections may wait to be accepted",
    "work": "what a message without a demand of its own asks for",
    "service_time": "how much of it",
    "max_message_bytes": "a longer message is refused",
    "max_service_time": "a larger demand is refused",
    "idle_timeout": "a connection silent for so long is closed",
    "drain_timeout": "how long a server that is told to stop may finish its work",
    "blocking_sleep": "of an event loop: sleep inside the loop, the classic mistake",
    "cpus": "CPUs that it may use, by the kernel's quota",
    "memory": "memory that it may have, without swap",
    "executor": "how the load comes about: closed (users wait), open (arrivals do not), ramp",
    "name": "what results and expectations call the group; with several groups each needs one",
    "replicas": "client containers (or processes) that share the load",
    "demand": "what each message asks of the server: sleep=100ms, cpu=5ms, sleep=exponential(50ms)",
    "start": "when the group begins, from the common start on",
    "connect_timeout": "a connection that is not established by then has failed",
    "answer_timeout": "a connection whose message is not acknowledged by then has failed",
    "users": "users in all, each with a connection of its own",
    "messages": "messages of each user",
    "duration": "how long it goes on",
    "think_time": "pause between an ack and the next message: 10ms, exponential(10ms)",
    "behaviour": "how the users treat the server",
    "pipeline": "messages in flight of behaviour: pipeline",
    "pace": "the pause of the behaviours that are slow, or when those strike that cut the line",
    "rate": "arrivals per second (/s) or minute (/m), in all",
    "connections": "a pool of persistent connections, or each: one of its own for each arrival",
    "arrivals": "evenly spaced, or with exponential gaps",
    "stages": "how long, and the level at the end; users in all stages or a rate in all",
}
