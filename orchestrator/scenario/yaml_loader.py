"""PyYAML, held to what a scenario needs, with its errors in a person's words.

The first error ends the reading: after it, nothing that follows can be trusted.
"""

import yaml

from orchestrator.scenario.problems import Problem, ScenarioError

MAX_DEPTH = 20
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
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"character U+{ord(text[error.position]):04X}; only printable text is allowed"
    raise ScenarioError([Problem(file, line, column, message)])


def _explain(error: yaml.MarkedYAMLError, character: str) -> str:
    if isinstance(error, _RefusedError):
        return str(error.problem)
    problem = error.problem or "not YAML"
    if character == "\t" and "token" in problem:
        return "a tab; indent with spaces"
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

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose the next node, if it is one that a scenario may use."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # its stub has no types
        mark = event.start_mark
        if getattr(event, "anchor", None) is not None:
            message = "anchors and aliases are not allowed; write the value out"
            raise _RefusedError(problem=message, problem_mark=mark)
        if getattr(event, "tag", None) is not None:
            message = (
                f"a tag ({event.tag.rpartition(':')[2]}) is not allowed; write the plain value"
            )
            raise _RefusedError(problem=message, problem_mark=mark)
        if self._depth == MAX_DEPTH:
            message = f"nested more than {MAX_DEPTH} deep; no scenario needs that"
            raise _RefusedError(problem=message, problem_mark=mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node
