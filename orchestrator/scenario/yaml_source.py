"""A YAML file as plain data that remembers where each part of it stood.

Promises text, whole numbers, decimals, truth values, lists and maps with text keys, nested and
sized within limits, or a ``ScenarioError``. What YAML allows beyond that (anchors, aliases, tags,
octal and sexagesimal numbers, dates, merge keys) is refused or read as text: a scenario means what
it looks like. Does not know what a scenario is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestrator.scenario.problems import Problem, ScenarioError
from orchestrator.scenario.yaml_loader import load_node, position_after
from orchestrator.wording import quote

MAX_KIB = 256
_TAG = "tag:yaml.org,2002:"
_PLAIN_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")

Location = tuple[str | int, ...]
"""Keys and indexes from the root to a part."""


@dataclass(frozen=True)
class Place:
    """Where a part stood: line and column of its value and of its key, all from 1.

    ``text_offset`` is the number of columns from the value's start to the first character of its
    text (1 for a quote), or None where columns of the text are not columns of the file.
    """

    value: tuple[int, int]
    key: tuple[int, int]
    text_offset: int | None = None


@dataclass
class Document:
    """The data of one file, the place of each part, and the problems found on the way.

    ``refused`` are the parts with such a problem: whatever else is wrong with them follows from it.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Location, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: set[Location] = field(default_factory=set)

    def existing(self, location: Sequence[str | int]) -> Location:
        """Return the part of ``location`` that the file has, without steps that it lacks."""
        known: Location = ()
        for step in location:
            known = (*known, step) if (*known, step) in self.places else known
        return known


def read_document(path: Path) -> Document:
    """Read ``path``; problems that do not hinder further checks are collected in the document.

    Raises:
        ScenarioError: the file cannot be read as YAML at all, or holds no map.
    """
    text = _read_text(path)
    root = load_node(str(path), text)
    if root is None or root.value == "":
        raise _file_error(path, "the file is empty; a scenario is a map that begins with intent:")
    document = Document(str(path))
    data = _Builder(document, text).build(root, (), _position(root))
    if not isinstance(data, dict):
        line, column = _position(root)
        kind = "a list" if isinstance(data, list) else "a single value"
        message = f"the file holds {kind}; a scenario is a map that begins with intent:"
        raise ScenarioError([Problem(str(path), line, column, message)])
    document.data = data
    return document


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KIB * 1024 + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _file_error(path, f"cannot be read: {reason}; give a YAML file") from error
    if len(content) > MAX_KIB * 1024:
        raise _file_error(path, f"larger than {MAX_KIB} KiB; no scenario needs that")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = position_after(content[: error.start].decode("utf-8"))
        message = "not UTF-8 text; save the file as UTF-8"
        raise ScenarioError([Problem(str(path), line, column, message)]) from error


def _file_error(path: Path, message: str) -> ScenarioError:
    return ScenarioError([Problem(str(path), 1, 1, message)])


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


class _Builder:
    """Turns nodes into data and notes each place in the document."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._text = text

    def build(self, node: yaml.Node, location: Location, key: tuple[int, int]) -> Any:  # noqa: ANN401 - any plain data
        """Return the data of ``node``, noting its place and those of all below."""
        offset = self._text_offset(node) if isinstance(node, yaml.ScalarNode) else None
        self._document.places[location] = Place(_position(node), key, offset)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.build(child, (*location, index), _position(child))
                for index, child in enumerate(node.value)
            ]
        if isinstance(node, yaml.MappingNode):
            return self._map(node, location)
        return self._scalar(node, location)

    def _map(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first_lines: dict[str, int] = {}
        for key, child in node.value:
            line, _ = _position(key)
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_TAG}str" or not key.value:
                self._note(key, self._bad_key(key))
            elif key.value in data:
                first = first_lines[key.value]
                message = (
                    f"key {quote(key.value)} on line {line} is already on line {first}; keep one"
                )
                self._note(key, message)
            else:
                first_lines[key.value] = line
                data[key.value] = self.build(child, (*location, key.value), _position(key))
        return data

    def _bad_key(self, key: yaml.Node) -> str:
        if not isinstance(key, yaml.ScalarNode):
            return "a list or map as a key; a key is text"
        if key.tag == f"{_TAG}merge":
            return "merging with << is not allowed; write the keys out"
        if key.value == "":
            return "an empty key; write the name of a setting"
        return f"key {quote(key.value)} is not text; put it in quotes"

    def _scalar(self, node: yaml.Node, location: Location) -> str | int | float | bool | None:
        kind, text = node.tag.removeprefix(_TAG), node.value
        if kind == "bool":
            return bool(yaml.SafeLoader.bool_values[text.lower()])
        if kind == "null":
            self._refuse(node, location, "no value; write one or leave it out")
            return None
        if kind not in {"int", "float"}:
            return str(text)
        if not _PLAIN_NUMBER.fullmatch(text):
            message = f"{quote(text)} is an unclear number; write it in plain decimal digits"
            self._refuse(node, location, message)
            return None
        return int(text) if kind == "int" else float(text)

    def _text_offset(self, node: yaml.ScalarNode) -> int | None:
        source = self._text[node.start_mark.index : node.end_mark.index]
        return {node.value: 0, f"'{node.value}'": 1, f'"{node.value}"': 1}.get(source)

    def _refuse(self, node: yaml.Node, location: Location, message: str) -> None:
        self._document.refused.add(location)
        self._note(node, message)

    def _note(self, node: yaml.Node, message: str) -> None:
        line, column = _position(node)
        self._document.problems.append(Problem(self._document.file, line, column, message))
