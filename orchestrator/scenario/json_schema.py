"""The scenario language as a JSON Schema, made from the classes that validate scenarios.

Editors complete and check scenarios with it. It knows every key, type and range; it accepts what
needs a parser or depends on several keys, such as expressions. ``validate`` checks those.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.measures.hints import listed
from orchestrator.scenario.answer import MAX_SENTENCES
from orchestrator.scenario.arithmetic import OPERATIONS
from orchestrator.scenario.axis_numbers import takes_arithmetic
from orchestrator.scenario.clients import EXECUTORS, Group
from orchestrator.scenario.fields import WORD
from orchestrator.scenario.interpreter import Runtime
from orchestrator.scenario.matrix import FIXED, MAX_VALUES, RETRY, SECTIONS, Axis
from orchestrator.scenario.models import read_models
from orchestrator.scenario.references import EVERY_MODEL
from orchestrator.scenario.retry import Retry
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import Section
from orchestrator.scenario.variables import FULL, TIERS, VARIABLES

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "Scenario of the Server Models Lab"
_VARIABLE = {"type": "string", "pattern": "[$]", "description": "a variable: $name, ${name}"}
_TEXT = {"type": "string", "minLength": 1}
_CHOICE = {
    "type": "object",
    "properties": {"if": _TEXT, "then": _TEXT, "else": _TEXT},
    "required": ["if", "then"],
    "additionalProperties": False,
}
_ENTRIES = {"type": "array", "items": {"anyOf": [_TEXT, _CHOICE]}, "minItems": 1}
_ANSWER = {"anyOf": [_TEXT, _CHOICE, {**_ENTRIES, "maxItems": MAX_SENTENCES}]}
_AXES_OF: Sequence[type[Section]] = (*EXECUTORS.values(), *SECTIONS)
"""The sections whose keys can be axes."""

Schema = dict[str, Any]


def scenario_schema() -> Schema:
    """Return the schema, in draft 2020-12."""
    made = Scenario.model_json_schema(mode="validation")
    sections = {name: _section(each) for name, each in made.pop("$defs").items()}
    sections[Runtime.__name__] = _section(Runtime.model_json_schema(mode="validation"))
    _allow_arithmetic(sections)
    whole = _section(made)
    properties = whole["properties"]
    properties["models"] = {
        "anyOf": [properties["models"], {"const": EVERY_MODEL}, {"$ref": "#/$defs/Variable"}],
        "description": KEY_MEANINGS["models"],
    }
    del properties["ignores"]["additionalProperties"]["minItems"]  # a model may ignore none
    properties["matrix"] = _matrix(sections) | {"description": KEY_MEANINGS["matrix"]}
    properties["answer"] = _ANSWER | {"description": KEY_MEANINGS["answer"]}
    properties[VARIABLES] = {
        "type": "object",
        "propertyNames": {"pattern": f"^{WORD}$"},
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
        "description": KEY_MEANINGS[VARIABLES],
    }
    properties[TIERS] = {
        "type": "object",
        "properties": {FULL: properties[VARIABLES] | {"description": KEY_MEANINGS[VARIABLES]}},
        "additionalProperties": False,
        "description": KEY_MEANINGS[TIERS],
    }
    whole["required"].remove("models")  # by default the classic ones
    defined = {**sections, "Variable": _VARIABLE, "Arithmetic": _arithmetic(sections)}
    del defined[Runtime.__name__]  # its key is one of the scenario itself
    return {"$schema": DIALECT, "title": TITLE, **whole, "$defs": defined}


def _section(made: Schema) -> Schema:
    """Return the schema of a map, each of its keys with its meaning."""
    properties = {
        key: {"description": KEY_MEANINGS.get(key) or _own_meaning(key), **_value(each)}
        for key, each in made["properties"].items()
    }
    return {
        "type": "object",
        "description": made["description"],
        "properties": properties,
        "required": list(made.get("required", [])),
        "additionalProperties": False,
    }


def _own_meaning(key: str) -> str:
    having = [name for name, model in read_models().items() if key in model.settings]
    return f"a setting of {listed(having)} only" if having else ""


def _value(made: Schema) -> Schema:
    """Return the schema of a value; a single value that is not any text may be a variable.

    Null is not allowed in a scenario; a key that is left out has its default.
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


def _allow_arithmetic(sections: Mapping[str, Schema]) -> None:
    """Allow arithmetic as the value of each key that has numbers and can be an axis."""
    for section in _AXES_OF:
        for key, value in sections[section.__name__]["properties"].items():
            if key not in FIXED and takes_arithmetic(Axis(section, key)):
                value["anyOf"].append({"$ref": "#/$defs/Arithmetic"})


def _arithmetic(sections: Mapping[str, Schema]) -> Schema:
    keys = dict.fromkeys(key for each in _AXES_OF for key in sections[each.__name__]["properties"])
    name_alone = rf"^(?:{WORD}\.)?(?:{'|'.join(map(re.escape, keys))})$"
    return {
        "type": "string",
        "pattern": f"{OPERATIONS}|{name_alone}",
        "description": "a number that is computed from other keys: 0.7 * workers / service_time",
    }


def _choice(made: Schema) -> Schema:
    """Return the schema of a value that has one of several types."""
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
    """Return the schema of the axes: keys of groups, with or without a group name, and others."""
    axes: dict[str, list[Schema]] = {}
    for pattern, value in _axes(sections):
        axes.setdefault(pattern, [])
        if value not in axes[pattern]:
            axes[pattern].append(value)
    values = {p: each[0] if len(each) == 1 else {"anyOf": each} for p, each in axes.items()}
    more = {"minItems": 1, "maxItems": MAX_VALUES, "uniqueItems": True}
    lists = {p: {"type": "array", "items": each, **more} for p, each in values.items()}
    closed = {"additionalProperties": False}
    point = {"type": "object", "patternProperties": values, "minProperties": 1, **closed}
    of_map = {"patternProperties": lists, **closed}
    return {"type": ["object", "array"], **of_map, "items": point, **more}


def _axes(sections: Mapping[str, Schema]) -> Iterator[tuple[str, Schema]]:
    """Yield the pattern of each axis and the schema of its values."""
    plain = {"default", "description"}
    for section in _AXES_OF:
        prefix = rf"(?:{WORD}\.)?" if issubclass(section, Group) else ""
        for key, value in sections[section.__name__]["properties"].items():
            if key not in FIXED:
                yield (
                    f"^{prefix}{re.escape(key)}$",
                    {k: v for k, v in value.items() if k not in plain},
                )
    for key, value in sections[Retry.__name__]["properties"].items():
        yield (
            rf"^(?:{WORD}\.)?{RETRY}\.{re.escape(key)}$",
            {k: v for k, v in value.items() if k not in plain},
        )


KEY_MEANINGS = {
    "intent": "the question of the scenario in one sentence, shown in logs and reports",
    "variables": "names with values, used as $name or ${name}; --set name=value sets one;"
    " one without a value is for guesses",
    "target": "a server of your own, which runs in addition to the models or instead of them",
    "host": "the name of a host in the hosts file",
    "image": "a container image that the engine already has",
    "command": "a program and its arguments; {port} is replaced by the port to listen on",
    "address": "host:port of a server that is already running",
    "port": "the port on which the server of the image listens",
    "confined": "an image is run without root, capabilities and a writable root file system",
    "remote": "confirms that an address on another machine may be put under load",
    "conformance": "whether the protocol is checked before the run: first, or skip",
    "models": "the models to run, in this order, or all; by default the four classic ones",
    "server": "settings of every server in the run",
    "limits": "limits of the server's container, and the CPUs of server and clients",
    "interpreter": "the Python that runs the models: 3.13, 3.13t (free-threaded), or a base image",
    "backend": "where it runs, unless --backend says it: docker, process, auto, or swarm, which is "
    "the hosts of a hosts file",
    "clients": "the load: groups of clients",
    "matrix": "one case for each combination of these values, or for each point of a list; keys of "
    "server, limits and clients",
    "ignores": "axes of the matrix that a model ignores, so that they do not repeat its cases; by "
    "default what compose.yaml says of the model",
    "tuned": "the mean think times that the twin found, by case and group; results have them",
    "expect": "expressions that must hold, for one model or for all",
    "guess": "expressions that you predict, for one model or for all; graded, but never a failure",
    "compare": "expressions that must hold between models, such as p99(epoll) < p99(single)",
    "source": "where the claims were published",
    "claims": "what was published, each judged with confidence; `reproduce` tries them",
    "author": "who claimed it",
    "title": "the title of the publication",
    "year": "the year of the publication",
    "place": "table, figure or page",
    "reference": "where to find it: an address, an ISBN, a DOI",
    "says": "the claim in one sentence",
    "expression": "the claim between models or cases, such as p99(epoll) < p99(single)",
    "claimed": "order: which is larger; figures: the figures themselves",
    "published": "figures of the source, shown beside what is measured here",
    "of": "what measures a published figure here: a measure of a model, or arithmetic",
    "figure": "a figure as the source prints it",
    "known": "what is known to come out here: reproduced, inverted or undecided",
    "reason": "why it comes out so, in one sentence; required unless it is reproduced",
    "tier": "full: the claim needs the longer runs of this tier, and is judged in no other",
    "tiers": "values of variables for longer runs: {full: {repeats: 15}}; --tier full uses them",
    "faults": "faults of the server or the network, injected while the load runs",
    "at": "when the fault begins, counted from the start of the load",
    "fault": "the fault: pause, kill-worker, reload, terminate, kill, cpu-limit, latency, …",
    "lasts": "duration of the fault; after terminate and kill the server is then started again",
    "worker": "for kill-worker: index of the worker, from 1, or random",
    "stream": "for network faults: downstream (to the client) or upstream",
    "toxicity": "for network faults: share of the connections that are affected",
    "attributes": "for network faults: the parameters, named as in toxiproxy",
    "crowd": "for fill-backlog: number of connections that send nothing",
    "abort": "an expression, or several, over live figures; once one is true, the run ends and the "
    "case has failed",
    "validity": "expressions that must hold for a run to count as a measurement",
    "repeats": "how often each case runs; an expectation with a confidence needs 5 or more",
    "retries_of_invalid": "how many runs of each case may be repeated because the host was busy",
    "order": "interleaved: rounds of all cases, every second round reversed; or sequential",
    "answer": "the answer to the intent, in sentences with measures in braces: {makespan}",
    "show": "the measures that the table of results shows; else those of the expectations",
    "warmup": "messages due before its end do not count in the measures",
    "timeout": "the longest time that the load of one run may take",
    "seed": "seed of all random choices, so that they can be repeated",
    "seeds": "vary: each repeat draws anew, all models the same; fixed: all repeats draw the same",
    "workers": "processes or threads; a model without a pool ignores it",
    "backlog": "argument of listen: how many connections may wait to be accepted",
    "work": "kind of work for a message that carries no demand",
    "service_time": "service time of a message that carries no demand",
    "max_message_bytes": "a longer message is refused",
    "max_service_time": "a larger demand, of all its parts together, is refused",
    "idle_timeout": "a connection that is silent for this long is closed",
    "drain_timeout": "how long a server may finish its work after it was asked to stop",
    "blocking_sleep": "for an event loop: sleep in the loop, the classic mistake",
    "cpus": "number of CPUs that it may use, enforced by the kernel's quota",
    "cpuset": "the CPUs that the server may run on, by their numbers: 0, 0-3 or 0-2,6",
    "client_cpuset": "the CPUs that the clients may run on, written the same",
    "memory": "memory that it may use, without swap",
    "sysctls": "settings of the kernel, net.*, in the server's container only",
    "net.ipv4.tcp_migrate_req": "1: what waits at a listener that closes moves to the other "
    "listeners of its address",
    "net.ipv4.tcp_abort_on_overflow": "1: a connection that finds the accept queue full is reset",
    "net.ipv4.tcp_max_syn_backlog": "how many connections may be half open",
    "net.ipv4.tcp_syncookies": "cookies instead of half-open connections: 0 never, 1 if there are "
    "too many, 2 always",
    "net.ipv4.tcp_synack_retries": "how often a SYN and ACK is sent again",
    "net.ipv4.tcp_fin_timeout": "seconds for which a closed connection waits for the peer's FIN",
    "net.ipv4.tcp_tw_reuse": "reuse of ports in TIME_WAIT: 0 no, 1 yes, 2 on loopback only",
    "net.ipv4.tcp_slow_start_after_idle": "0: a connection that was idle keeps its window",
    "executor": "how load is generated: closed (users wait for acks), open (arrivals do not), ramp",
    "name": "name of the group in results and expectations; required if there are several groups",
    "replicas": "client containers (or processes) that share the load",
    "demand": "work that each message asks for: sleep=100ms, cpu=5ms, "
    "sleep=exponential(50ms), or several parts in order, sleep=10ms+cpu=2ms",
    "start": "when the group begins, counted from the start of the load",
    "connect_timeout": "a connection that is not established within this time has failed",
    "answer_timeout": "a connection whose message is not acked within this time has failed",
    "deadline": "an ack within this time after its message was due counts as goodput",
    "retry": "a message that timed out is sent again, on another connection",
    "attempts": "how often a message is sent at most, with the first time",
    "budget": "at most this share of the first attempts may be sent again: 20%",
    "backoff": "pause between a time-out and the next attempt: 100ms, or doubling(100ms), random "
    "up to a limit that doubles with each retry",
    "users": "total number of users, each with its own connection",
    "messages": "number of messages of each user",
    "duration": "how long it lasts",
    "think_time": "pause between an ack and the next message: 10ms, exponential(10ms), or of a "
    "closed group tuned(utilization=70%)",
    "behaviour": "how the users treat the server",
    "pipeline": "for behaviour: pipeline: number of messages in flight",
    "pace": "for slow behaviours: the pause; for vanish and reset: when the connection is cut",
    "rate": "total number of arrivals per second (/s) or minute (/m)",
    "connections": "size of a pool of persistent connections, or each: one for each arrival",
    "arrivals": "constant: evenly spaced; poisson: with exponential gaps",
    "stages": "duration and final level of each stage; all with users or all with a rate",
}
"""The meaning of each key in one line, for editors; docs/scenarios.md says more."""
