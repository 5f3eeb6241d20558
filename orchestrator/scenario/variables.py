"""Variables of a scenario: defined under ``variables``, used as ``$name``, set by ``--set``.

A value that consists of ``$name`` alone becomes the value of the variable, which may be a number;
within a longer text ``${name}`` becomes its text, and ``$$`` is a dollar sign. Variables are
replaced before anything else is checked: an error is reported at the place where a variable is
used, and the stored scenario has no variables. A variable without a value is one that the user
chooses with ``--set``: a guess that uses it is not made without, and nothing else can use it.

``tiers`` has other values for them: those of ``full`` make a run longer and its figures closer.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.measures.hints import unknown
from orchestrator.scenario.fields import WORD, WORD_FORM
from orchestrator.scenario.guesses import NOT_MADE
from orchestrator.scenario.references import GUESS
from orchestrator.scenario.versions import WrittenDecimal
from orchestrator.scenario.yaml_document import (
    Document,
    Location,
    Problem,
    parse_plain,
    read_document,
)

VARIABLES, TIERS = "variables", "tiers"
QUICK, FULL = "quick", "full"
"""The tiers; the quick one is the file as it is written."""

_ALONE = re.compile(rf"\$({WORD})")
_WITHIN = re.compile(r"\$\$|\$\{([^}]{0,60})\}")

_TIERS_FORM = "write values of variables, e.g. {full: {repeats: 15}}"

Value = str | int | float | bool
Variables = Mapping[str, Value | None]
"""The variables by name; None is the value of one that has none yet."""


def substitute(document: Document, settings: Mapping[str, str]) -> None:
    """Replace the variables in ``document`` by their values; ``settings`` override the file's.

    An unknown variable or setting is added to the problems of the document.
    """
    written = document.data.pop(VARIABLES, {})
    variables = dict(_read(document, written))
    _check_tiers(document, document.data.pop(TIERS, {}), variables)
    for name in settings.keys() - variables.keys():
        message = f"--set: {_unknown(name, variables)}"
        document.problems.append(Problem(document.file, 1, 1, message))
    variables |= dict(_parse(document, settings))
    document.data = {
        key: _replace(document, (key,), value, variables) for key, value in document.data.items()
    }


def settings_of_tier(path: Path, tier: str) -> dict[str, str]:
    """Return the values of variables that ``tier`` sets in the file ``path``, as for ``--set``.

    What is wrong with them is found when the scenario is loaded.

    Raises:
        ScenarioError: the file cannot be read, is not YAML, or does not hold a map.
    """
    tiers = read_document(path, blank_under=VARIABLES).data.get(TIERS)
    values = tiers.get(tier) if isinstance(tiers, dict) else None
    plain = values.items() if isinstance(values, dict) else ()
    return {name: _text(value) for name, value in plain if isinstance(value, Value)}


def _check_tiers(document: Document, tiers: object, variables: Variables) -> None:
    """Note what is wrong with ``tiers``: an unknown tier, or one that sets no variable."""
    if not isinstance(tiers, dict):
        document.note((TIERS,), f"this is not a map; {_TIERS_FORM}")
        return
    for tier, values in tiers.items():
        if tier != FULL:
            document.note((TIERS, tier), unknown("tier", tier, [FULL]))
        elif not isinstance(values, dict):
            document.note((TIERS, tier), f"this is not a map; {_TIERS_FORM}")
        else:
            for name, value in values.items():
                if name not in variables:
                    document.note((TIERS, tier, name), _unknown(name, variables))
                elif not isinstance(value, Value):
                    document.note((TIERS, tier, name), "write a single value")


def escape_variables(value: Any) -> Any:  # noqa: ANN401 any plain data
    """Return ``value`` with each dollar sign doubled, so that `substitute` gives it back."""
    if isinstance(value, dict):
        return {key: escape_variables(each) for key, each in value.items()}
    if isinstance(value, list):
        return [escape_variables(each) for each in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _read(document: Document, written: object) -> Iterator[tuple[str, Value | None]]:
    """Yield the valid variables of the file."""
    if not isinstance(written, dict):
        message = "this is not a map; write a map of names and values, e.g. {users: 5}"
        document.note((VARIABLES,), message)
        return
    for name, value in written.items():
        if not re.fullmatch(WORD, name):
            message = f"{name!r:.40} is not a name of a variable; {WORD_FORM}"
            document.note((VARIABLES, name), message)
        elif not isinstance(value, Value | None):
            message = "a variable has a single value: text, a number, true or false"
            document.note((VARIABLES, name), message)
        else:
            yield name, value


def _replace(
    document: Document,
    location: Location,
    value: Any,  # noqa: ANN401 any plain data
    variables: Variables,
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


def _fill(document: Document, location: Location, text: str, variables: Variables) -> Value:
    alone = _ALONE.fullmatch(text)
    names = [alone[1]] if alone else [name for name in _WITHIN.findall(text) if name]
    for name in names:
        if message := _refusal(name, location, variables):
            document.note(location, message)
            document.refused.add(location)
            return text
    if alone:
        if word := document.words.get((VARIABLES, alone[1])):
            document.words[location] = word
        value = variables[alone[1]]
        return NOT_MADE if value is None else value
    return _WITHIN.sub(lambda found: _text(variables[found[1]]) if found[1] else "$", text)


def _refusal(name: str, location: Location, variables: Variables) -> str:
    """Return why the variable ``name`` cannot be used at ``location``; empty if it can."""
    if name not in variables:
        return _unknown(name, variables)
    if variables[name] is None and location[0] != GUESS:
        return f"variable {name!r} has no value; write one under variables, or pass --set {name}=…"
    return ""


def _unknown(name: str, variables: Variables) -> str:
    if not variables:
        return f"unknown variable {name!r}; the file has no variables (write $$ for a dollar sign)"
    return unknown("variable", name, variables)


def _text(value: Value | None) -> str:
    if value is None:
        return NOT_MADE
    if isinstance(value, WrittenDecimal):
        return value.text
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parse(document: Document, settings: Mapping[str, str]) -> Iterator[tuple[str, Value]]:
    """Yield the value that each setting would have in the file."""
    for name, text in settings.items():
        try:
            value = parse_plain(text)
        except ValueError as error:
            problem = f"--set: {name}: {error}"
            document.problems.append(Problem(document.file, 1, 1, problem))
            value = text
        document.words.pop((VARIABLES, name), None)
        if isinstance(value, bool) and text.lower() not in {"true", "false"}:
            document.words[VARIABLES, name] = text
        yield name, value
