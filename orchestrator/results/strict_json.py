"""JSON as the lab writes it, and as it reads it from a program that it does not trust.

JSON has no NaN, no Infinity and no duplicate keys. Python's ``json`` writes and accepts them, and
reads ``1e999`` as infinite.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

_NUMBERS = re.compile(r"\[\n((?: *(?:[-+.0-9eE]+|null),?\n)+) *\]")
"""A list of numbers in several lines; a text in JSON has no line ends, so none looks like it."""

MOST_LINE_BYTES = 16_384
"""A program of the lab writes 4096 at most."""


def to_json(value: object, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON, compact unless ``indent`` is given; a list of numbers is one line.

    Raises:
        ValueError: it contains a number that is not finite.
    """
    separators = (",", ":") if indent is None else None
    text = json.dumps(
        value, indent=indent, separators=separators, ensure_ascii=False, allow_nan=False
    )
    return text if indent is None else _NUMBERS.sub(_in_one_line, text)


def _in_one_line(found: re.Match[str]) -> str:
    return f"[{' '.join(found[1].split())}]"


def read_json(text: str | bytes) -> Any:  # noqa: ANN401 any JSON
    """Return the value of ``text``.

    Raises:
        ValueError: it is not JSON, or nested too deep, or has a number that is not finite, an
            integer of thousands of digits or the same key twice.
    """
    try:
        return _strict.decode(text if isinstance(text, str) else text.decode())
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc


def read_object(line: bytes) -> Mapping[str, Any]:
    """Return the JSON object of one line, as `read_json` does; it is made for millions of lines.

    Raises:
        ValueError: as `read_json`, or the line is no object.
    """
    text = line.decode()
    try:
        found = _fast.decode(text)
    except RecursionError as exc:
        raise ValueError("nested too deep") from exc
    if type(found) is not dict:
        raise ValueError("not an object")
    if text.count('":') != len(found):  # nested, or a key twice, or a text with these characters
        read_json(text)
    return found


def read_lines(path: Path, most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number from 1; of one that is too long, only the beginning.

    Beyond ``most_bytes``, one more line says that the rest is not read.
    """
    with path.open("rb") as file:
        number = read = 0
        while line := file.readline(MOST_LINE_BYTES):
            number += 1
            read += len(line)
            yield number, line
            while line[-1:] != b"\n" and len(line) == MOST_LINE_BYTES and read <= most_bytes:
                line = file.readline(MOST_LINE_BYTES)
                read += len(line)
            if read > most_bytes and file.peek(1):
                yield number + 1, b"(more than %d bytes; the rest is not read)" % most_bytes
                return


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


_fast = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_strict = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unique)
