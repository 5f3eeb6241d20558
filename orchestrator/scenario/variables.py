"""Variables of a scenario: named once under ``variables``, used as ``$name``, set by ``--set``.

A value that is ``$name`` and nothing else becomes the variable's, a number where that is one;
within a longer text ``${name}`` becomes its text. ``$$`` is a dollar sign. They are gone before
anything is checked: errors stand where a variable is used, and the stored scenario is without them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.measures.hints import unknown
from orchestrator.scenario.yaml_document import Document, Location, Problem

KEY = "variables"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
_ALONE = re.compile(r"\$([A-Za-z][A-Za-z0-9_]{0,29})")
_WITHIN = re.compile(r"\$\$|\$\{([^}]{0,60})\}")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(\.[0-9]{1,15})?")

Value = str | int | float | bool


def substitute(document: Document, settings: Mapping[str, str]) -> None:
    """Put the variables of ``document`` in their places, with ``settings`` instead of their own.

    Problems are added to those of the document: an unknown name, a setting for no variable.
    """
    written = document.data.pop(KEY, {})
    variables = dict(_read(document, written))
    for name in settings.keys() - variables.keys():
        message = f"--set: {_unknown(name, variables)}"
        document.problems.append(Problem(document.file, 1, 1, message))
    variables |= {name: _parse(text) for name, text in settings.items()}
    document.data = {
        key: _replace(document, (key,), value, variables) for key, value in document.data.items()
    }


def escape(value: Any) -> Any:  # noqa: ANN401 any plain data
    """Return ``value`` with its dollar signs doubled: what `substitute` reads as ``value``."""
    if isinstance(value, dict):
        return {key: escape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [escape(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _read(document: Document, written: object) -> Iterator[tuple[str, Value]]:
    """Yield the variables of the file, each a plain value."""
    if not isinstance(written, dict):
        _note(document, (KEY,), "this is no map; write a map of names and values, e.g. {users: 5}")
        return
    for name, value in written.items():
        if not _NAME.fullmatch(name):
            form = "write a word of at most 30 letters, digits and _, that begins with a letter"
            _note(document, (KEY, name), f"{name!r:.40} is no name of a variable; {form}")
        elif not isinstance(value, Value):
            _note(document, (KEY, name), "a variable is a single value: text, a number, a flag")
        else:
            yield name, value


def _replace(
    document: Document,
    location: Location,
    value: Any,  # noqa: ANN401 any plain data
    variables: Mapping[str, Value],
) -> Any:  # noqa: ANN401 any plain data
    if isinstance(value, dict):
        return {
            key: _replace(document, (*location, key), each, variables)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [
            _replace(document, (*location, index), each, variables)
            for index, each in enumerate(value)
        ]
    return _fill(document, location, value, variables) if isinstance(value, str) else value


def _fill(
    document: Document, location: Location, text: str, variables: Mapping[str, Value]
) -> Value:
    alone = _ALONE.fullmatch(text)
    names = [alone[1]] if alone else [name for name in _WITHIN.findall(text) if name]
    for name in names:
        if name not in variables:
            _note(document, location, _unknown(name, variables))
            document.refused.add(location)
            return text
    if alone:
        return variables[alone[1]]
    return _WITHIN.sub(lambda found: _text(variables[found[1]]) if found[1] else "$", text)


def _unknown(name: str, variables: Mapping[str, Value]) -> str:
    if not variables:
        return f"no variable {name!r}; the file has no variables (a dollar sign is $$)"
    return unknown("variable", name, variables)


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(text: str) -> Value:
    """Return what a setting of the command line would be in a file."""
    if text in {"true", "false"}:
        return text == "true"
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    return float(text) if number[1] else int(text)


def _note(document: Document, location: Location, message: str) -> None:
    line, column = document.places[document.existing(location)].value
    document.problems.append(Problem(document.file, line, column, message))
