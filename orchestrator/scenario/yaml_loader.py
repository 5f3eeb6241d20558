"""PyYAML, held to what a scenario needs, with its errors in a person's words.

The first error ends the reading: after it, nothing that follows can be trusted.
"""

import yaml

from orchestrator.scenario.problems import Problem, ScenarioError

MAX_DEPTH = 20
MAX_NODES = 3_000
"""Keys and values in one file; were each an unknown name, saying so would take 1.5 s."""
_HINTS = {
    "mapping values are not allowed here": (
        "a key where none can be; put text with ': ' in quotes, or mend the indent"
    ),
    "could not find expected ':'": "a key without ':'; write key: value",
    "expected <block end>": "this does not continue what is above; mend the indent",
    "unexpected end of stream": "a quote is never closed; close it",
    "but found another document": "a second document; a file holds one scenario",
    "expected ',' or ']'": "a list is not closed; write [a, b]",
    "expected ',' or '}'": "a map is not closed; write {a: 1, b: 2}",
    "but found '<stream end>'": "a list or map is not closed; close it with ] or }",
    "cannot start any token": "text cannot begin with this character; put it in quotes",
}


def load_node(file: str, text: str) -> yaml.Node | None:
    """Return the root node of the one document in ``text``, None if there is none.

    Raises:
        ScenarioError: not YAML, several documents, or what a scenario may not use.
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
    """Return line and column, from 1, of what follows ``text``."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _explain(error: yaml.MarkedYAMLError, character: str) -> str:
    if isinstance(error, _RefusedError):
        return str(error.problem)
    problem = error.problem or "not YAML"
    if character == "\t" and "token" in problem:
        return "a tab; use spaces"
    for part, hint in _HINTS.items():
        if part in problem:
            return hint
    return f"not YAML: {problem}; check quotes, brackets and indent"


class _RefusedError(yaml.MarkedYAMLError):
    """Proper YAML that a scenario may not use; ``problem`` is the whole message."""


class _Loader(yaml.SafeLoader):
    """Composes nodes; refuses at once whatever could grow or nest without end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def fetch_more_tokens(self) -> None:
        """Fetch the next token; for an escape beyond all characters PyYAML has no error."""
        try:
            super().fetch_more_tokens()
        except (ValueError, OverflowError) as error:
            message = "an escape or a number that stands for nothing; write the character itself"
            raise _RefusedError(problem=message, problem_mark=self.get_mark()) from error

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose the next node, if it is one that a scenario may use."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # its stub has no types
        if reason := self._reason_against(event):
            raise _RefusedError(problem=reason, problem_mark=event.start_mark)
        self._nodes += 1
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _reason_against(self, event: yaml.Event) -> str:
        tag = getattr(event, "tag", None)
        if getattr(event, "anchor", None) is not None:
            return "anchors and aliases are not allowed; write the value out"
        if tag is not None:
            return f"a tag ({tag.rpartition(':')[2]}) is not allowed; write the plain value"
        if self._depth == MAX_DEPTH:
            return f"nested more than {MAX_DEPTH} deep; no scenario needs that"
        if self._nodes == MAX_NODES:
            return f"more than {MAX_NODES} keys and values; no scenario needs that"
        return ""
