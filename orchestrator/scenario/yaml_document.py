"""A YAML file as plain data, with the position of each of its parts and all its problems.

A document holds text, whole numbers, decimals, truth values, lists and maps with text keys, nested
and sized within limits. Anything else in YAML (anchors, aliases, tags, octal and sexagesimal
numbers, dates, merge keys) is refused or read as text, so that a scenario means what it looks like.
A syntax error ends the reading, as nothing after it can be trusted. The keys are not known here.
"""

import contextlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestrator.measures.hints import closest, quote
from orchestrator.results.exit_codes import MISUSED, LabError
from orchestrator.scenario.versions import WrittenDecimal

MAX_KIB = 256
MAX_NESTING = 20
MAX_NODES = 3_000
"""Keys and values in one file; reporting each of so many as unknown takes 1.5 s."""
MAX_SHOWN_PROBLEMS, MAX_FILES = 50, 500
FORM = "a scenario is a map that begins with intent:"

_TAG = "tag:yaml.org,2002:"
_PLAIN_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?")
_HINTS = {
    "mapping values are not allowed here": (
        "a key is not allowed here; put text with ': ' in quotes, or correct the indent"
    ),
    "could not find expected ':'": "a key without ':'; write key: value",
    "expected <block end>": "this does not fit the structure above; correct the indent, or put "
    "text that begins with { or [ in quotes",
    "unexpected end of stream": "a quote is never closed; close it",
    "but found another document": "a second document begins here; a file holds one scenario",
    "expected ',' or ']'": "a list is not closed; write [a, b], and quote text that begins with {",
    "expected ',' or '}'": "a map is not closed; write {a: 1, b: 2}",
    "but found '<stream end>'": "a list or map is not closed; close it with ] or }",
    "cannot start any token": "text cannot begin with this character; put it in quotes",
}

Location = tuple[str | int, ...]
"""Keys and indexes from the root of a document to one of its parts."""


@dataclass(frozen=True)
class Problem:
    """One error in a file; line and column count from 1, in characters."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ScenarioError(LabError, ValueError):
    """The file is not a valid scenario; ``problems`` are in the order of the file."""

    exit_code = MISUSED
    has_position = True

    def __init__(self, problems: Iterable[Problem]) -> None:
        ordered = sorted(problems, key=lambda each: (each.line, each.column))
        self.problems = tuple(dict.fromkeys(ordered))
        lines = [str(each) for each in self.problems[:MAX_SHOWN_PROBLEMS]]
        if len(self.problems) > MAX_SHOWN_PROBLEMS:
            lines.append(f"and {len(self.problems) - MAX_SHOWN_PROBLEMS} more")
        super().__init__("\n".join(lines))


@dataclass(frozen=True)
class Place:
    """The position of a part: line and column of its value and of its key, from 1.

    ``text_offset`` is the number of columns from the value's start to the first character of its
    text (1 for a quote), or None if columns of the text are not columns of the file.
    """

    value: tuple[int, int]
    key: tuple[int, int]
    text_offset: int | None = None


@dataclass
class Document:
    """The data of one file, the place of each part, and the problems found so far.

    ``refused`` are the parts with a problem; further errors at them are consequences of it.
    ``words`` are the truth values that were not written as true or false, such as ``no``.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[Location, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: set[Location] = field(default_factory=set)
    words: dict[Location, str] = field(default_factory=dict)

    def existing(self, location: Sequence[str | int]) -> Location:
        """Return ``location`` without the steps that are not in the file."""
        known: Location = ()
        for step in location:
            known = (*known, step) if (*known, step) in self.places else known
        return known

    def note(self, location: Location, message: str, column: int = 0) -> None:
        """Add a problem at ``location``; ``column``, from 1, is a place within its text."""
        place = self.places[self.existing(location)]
        line, at = place.value
        if column and place.text_offset is not None:
            at += place.text_offset + column - 1
        self.problems.append(Problem(self.file, line, at, message))


def read_document(path: Path, blank_under: str = "", form: str = FORM) -> Document:
    """Read ``path``; problems that do not prevent further checks are added to the document.

    A value may be missing in the map ``blank_under``, None then. ``form`` is what to write instead.

    Raises:
        ScenarioError: the file cannot be read, is not YAML, or does not hold a map.
    """
    return parse_document(str(path), _read_text(path), blank_under, form)


def parse_document(file: str, text: str, blank_under: str = "", form: str = FORM) -> Document:
    """Parse the ``text`` of ``file`` as `read_document` does, with the same errors."""
    root = load_node(file, text)
    if root is None or root.value == "":
        raise ScenarioError([Problem(file, 1, 1, f"the file is empty; {form}")])
    document, position = Document(file), _position(root)
    data = _Builder(document, text, blank_under).build(root, (), position)
    if not isinstance(data, dict):
        kind = "a list" if isinstance(data, list) else "a single value"
        raise ScenarioError([Problem(file, *position, f"the file holds {kind}; {form}")])
    document.data = data
    return document


def _instead(path: Path) -> str:
    """Return what to give in place of ``path``: the most similar YAML file beside it, if any."""
    files: dict[str, Path] = {}
    with contextlib.suppress(OSError):
        folder = path if path.is_dir() else path.parent
        files = {each.stem: each for each in sorted(folder.glob("*.y*ml"))[:MAX_FILES]}
    if path.is_dir() and files:
        return f"give a YAML file, e.g. {next(iter(files.values()))}"
    meant = None if path.is_dir() else closest(path.stem, files)
    return f"did you mean {files[meant]}?" if meant else "give a YAML file"


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_KIB * 1024 + 1)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise _file_error(path, f"cannot be read: {why}; {_instead(path)}") from error
    if len(content) > MAX_KIB * 1024:
        raise _file_error(path, f"the file is too large; allowed: at most {MAX_KIB} KiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        at = position_after(content[: error.start].decode("utf-8"))
        found = Problem(str(path), *at, "not UTF-8 text; save the file as UTF-8")
        raise ScenarioError([found]) from error


def _file_error(path: Path, message: str) -> ScenarioError:
    return ScenarioError([Problem(str(path), 1, 1, message)])


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def load_node(file: str, text: str) -> yaml.Node | None:
    """Return the root node of the one document in ``text``, None if there is none.

    Raises:
        ScenarioError: not YAML, several documents, or YAML that a scenario may not use.
    """
    try:
        return _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = _explain(error, text[mark.index : mark.index + 1] if mark else "")
    except yaml.reader.ReaderError as error:
        line, column = position_after(text[: error.position])
        message = f"character U+{ord(text[error.position]):04X}; only printable text is allowed"
    raise ScenarioError([Problem(file, line, column, message)])


def position_after(text: str) -> tuple[int, int]:
    """Return line and column, from 1, of the position after ``text``."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _explain(error: yaml.MarkedYAMLError, character: str) -> str:
    if isinstance(error, _RefusedError):
        return str(error.problem)
    problem = error.problem or "not YAML"
    if character == "\t" and "token" in problem:
        return "a tab is not allowed here; use spaces"
    found = f"not YAML: {problem}; check quotes, brackets and indent"
    return next((hint for part, hint in _HINTS.items() if part in problem), found)


def parse_plain(text: str) -> str | int | float | bool:
    """Return the value that ``text`` has in a file if it stands there without quotes.

    Raises:
        ValueError: a file would be refused; the message says why.
    """
    try:
        text = join_surrogates(text)
    except ValueError as error:
        raise ValueError(f"the text has {error}") from None
    if not text:
        return ""
    resolved = _Loader("").resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return _value_of(resolved, text)


def join_surrogates(text: str) -> str:
    """Return ``text`` with each pair of surrogates as its character, as JSON escapes one.

    Raises:
        ValueError: a surrogate has no partner, or a character is NUL, which ends a text for the
            operating system; the message is the second half of a sentence.
    """
    if "\0" in text:
        raise ValueError("the character NUL (\\0); no text may have it")
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        lone = next(char for char in text if "\ud800" <= char <= "\udfff")
        raise ValueError(f"half a character (\\u{ord(lone):04x}); write the whole one") from None


def _value_of(tag: str, text: str) -> str | int | float | bool:
    """Return the value of a scalar.

    Raises:
        ValueError: it has none, or not the one that it looks like.
    """
    kind = tag.removeprefix(_TAG)
    if kind == "bool":
        return bool(yaml.SafeLoader.bool_values[text.lower()])
    if kind == "null":
        raise ValueError("no value; write one or leave it out")
    if kind not in {"int", "float"}:
        return text
    if not _PLAIN_NUMBER.fullmatch(text):
        raise ValueError(f"{quote(text)} is an ambiguous number; write it in plain decimal digits")
    return int(text) if kind == "int" else WrittenDecimal(text)


class _RefusedError(yaml.MarkedYAMLError):
    """Valid YAML that a scenario may not use; ``problem`` is the whole message."""


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses aliases, tags, and more nodes or levels than allowed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def fetch_more_tokens(self) -> None:
        """Fetch the next token; PyYAML reports no error of its own for some escapes."""
        try:
            super().fetch_more_tokens()
        except (ValueError, OverflowError) as error:
            message = "an invalid escape or number; write the character itself"
            raise _RefusedError(problem=message, problem_mark=self.get_mark()) from error

    def scan_to_next_token(self) -> None:
        """Skip tabs between the brackets of a list or map as well, as JSON has them."""
        super().scan_to_next_token()
        while self.flow_level and self.peek() == "\t":
            self.forward()
            super().scan_to_next_token()

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose the next node, if a scenario may use it."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # its stub has no types
        if reason := self._refusal(event):
            raise _RefusedError(problem=reason, problem_mark=event.start_mark)
        self._nodes += 1
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refusal(self, event: yaml.Event) -> str:
        tag = getattr(event, "tag", None)
        if getattr(event, "anchor", None) is not None:
            return "anchors and aliases are not allowed; write the value out"
        if tag is not None:
            return f"a tag ({tag.rpartition(':')[2]}) is not allowed; write the plain value"
        if self._depth == MAX_NESTING:
            return f"nested too deep; allowed: at most {MAX_NESTING} levels"
        if self._nodes == MAX_NODES:
            return f"too many keys and values; allowed: at most {MAX_NODES}"
        return ""


class _Builder:
    """Turns nodes into data and stores the place of each in the document."""

    def __init__(self, document: Document, text: str, blank_under: str) -> None:
        self._document = document
        self._text = text
        self._blank_under = blank_under

    def build(self, node: yaml.Node, location: Location, key: tuple[int, int]) -> Any:  # noqa: ANN401 - any plain data
        """Return the data of ``node``; store its place and those of all parts below."""
        offset = self._text_offset(node) if isinstance(node, yaml.ScalarNode) else None
        self._document.places[location] = Place(_position(node), key, offset)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.build(child, (*location, index), _position(child))
                for index, child in enumerate(node.value)
            ]
        if isinstance(node, yaml.MappingNode):
            return self._map(node, location)
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101 for the type checker
        return self._scalar(node, location)

    def _map(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first_lines: dict[str, int] = {}
        for key, child in node.value:
            line, _ = _position(key)
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_TAG}str" or not key.value:
                self._note(key, self._bad_key(key))
            elif message := self._make_plain(key):
                self._note(key, f"key {quote(key.value)} has {message}")
            elif key.value in data:
                where = f"on line {line} is already on line {first_lines[key.value]}"
                self._note(key, f"key {quote(key.value)} {where}; keep one")
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

    def _scalar(self, node: yaml.ScalarNode, location: Location) -> str | int | float | bool | None:
        if message := self._make_plain(node):
            self._refuse(node, location, f"the text has {message}")
            return None
        if node.tag == f"{_TAG}null" and location[:-1] == (self._blank_under,):
            return None
        try:
            value = _value_of(node.tag, node.value)
        except ValueError as error:
            self._refuse(node, location, str(error))
            return None
        if isinstance(value, bool) and node.value.lower() not in {"true", "false"}:
            self._document.words[location] = node.value
        return value

    def _make_plain(self, node: yaml.ScalarNode) -> str:
        """Join the surrogates of a text; return what it has that no text may have, or nothing."""
        try:
            node.value = join_surrogates(node.value)
        except ValueError as error:
            return str(error)
        return ""

    def _text_offset(self, node: yaml.ScalarNode) -> int | None:
        source = self._text[node.start_mark.index : node.end_mark.index]
        return {node.value: 0, f"'{node.value}'": 1, f'"{node.value}"': 1}.get(source)

    def _refuse(self, node: yaml.Node, location: Location, message: str) -> None:
        self._document.refused.add(location)
        self._note(node, message)

    def _note(self, node: yaml.Node, message: str) -> None:
        line, column = _position(node)
        self._document.problems.append(Problem(self._document.file, line, column, message))
