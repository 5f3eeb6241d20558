"""JSON without NaN, in both directions, and lines of bounded length."""

import json
from pathlib import Path

import pytest

from orchestrator.results.strict_json import (
    MOST_LINE_BYTES,
    read_json,
    read_lines,
    read_object,
    to_json,
)

REFUSED = [
    "NaN", "-Infinity", '{"a": NaN}', '{"a": 1e999}', '{"a": 1, "a": 2}', '{"b": {"a": 1, "a": 2}}',
    "9" * 5000, "[" * 100_000, '{"a":' * 100_000, "{", "", "{} {}", "{'a': 1}",
]  # fmt: skip


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_never_written(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"measures": [{"p99_s": number}]})


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_what_is_no_json_is_refused(text: str) -> None:
    for read in (read_json, read_object):
        with pytest.raises(ValueError, match=r"."):
            read(text.encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        read_object(b'{"a": "\xff"}')


@pytest.mark.parametrize(
    "value", [{}, {"a": 1, "b": [1, {"c": None}]}, {"a": '":":"'}, {'":': "\n"}]
)
def test_what_was_written_is_read(value: dict[str, object]) -> None:
    assert read_json(to_json(value)) == value
    assert read_object(to_json(value, indent=1).encode()) == value
    assert json.loads(to_json(value)) == value


def test_a_list_of_numbers_is_one_line_of_an_indented_text() -> None:
    value = {"a": [1.5, None, -2e-9], "b": [[], ["[\n  1\n]"]], "c": [[1, 2], [3]]}
    text = to_json(value, indent=2)
    assert '"a": [1.5, null, -2e-09],\n' in text
    assert "    [1, 2],\n    [3]\n" in text
    assert read_json(text) == value


def test_a_long_line_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 10 * MOST_LINE_BYTES + b"\nnext\n" + b"y" * MOST_LINE_BYTES + b"\nlast")
    lines = list(read_lines(path, 2**30))
    assert [(number, len(line)) for number, line in lines] == [
        (1, MOST_LINE_BYTES), (2, 5), (3, MOST_LINE_BYTES), (4, 4),
    ]  # fmt: skip


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        file.write(b"one\n")
        file.truncate(2**40)  # sparse
    lines = list(read_lines(path, 100_000))
    assert [number for number, _ in lines] == [1, 2, 3]
    assert lines[-1][1] == b"(more than 100000 bytes; the rest is not read)"
