"""Versions of Python in a scenario: text, although YAML reads 3.13 as a number, and 3.10 as 3.1.

``3.13t`` is a free-threaded build, which has no interpreter lock. This module knows no files.
"""

import re
from typing import Any

INTERPRETER = "interpreter"
"""The key of a version, and the axis of a matrix."""

FREE_THREADED = "t"
VERSION = re.compile(r"([1-9][0-9]?)\.(0|[1-9][0-9]{0,2})(t?)")


class WrittenDecimal(float):
    """A decimal with its ``text`` in the file: as a version, 3.10 is not 3.1."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def with_versions(value: Any, key: str | int = "") -> Any:  # noqa: ANN401 any plain data
    """Return ``value``, what a file has at ``key``, with each version as text.

    Every other decimal is a plain number.
    """
    if isinstance(value, dict):
        return {name: with_versions(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [with_versions(each, key) for each in value]
    if isinstance(value, WrittenDecimal):
        return value.text if key == INTERPRETER else float(value)
    return value


def is_version(interpreter: str) -> bool:
    """Whether it is a version and not the name of an image."""
    return VERSION.fullmatch(interpreter) is not None


def version_of(interpreter: str) -> str:
    """Return the version without the mark of a free-threaded build: ``3.13`` of ``3.13t``."""
    return interpreter.removesuffix(FREE_THREADED)


def is_free_threaded(interpreter: str | None) -> bool:
    """Whether it is a version of a build without the interpreter lock."""
    return bool(interpreter and is_version(interpreter) and interpreter.endswith(FREE_THREADED))
