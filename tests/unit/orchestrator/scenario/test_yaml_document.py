"""What is refused before a file is checked as a scenario."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.yaml_document import (
    Place,
    ScenarioError,
    parse_plain,
    read_document,
)

Problems = Callable[[str | bytes], list[str]]

EMPTY = "1:1: the file is empty; a scenario is a map that begins with intent:"
LIST = "1:1: the file holds a list; a scenario is a map that begins with intent:"
VALUE = "1:1: the file holds a single value; a scenario is a map that begins with intent:"
TOO_MANY = "too many keys and values; allowed: at most 3000"
NO_FIT = (
    "this does not fit the structure above; correct the indent, or put text that begins with { or "
    "[ in quotes"
)
NO_KEY = "a key is not allowed here; put text with ': ' in quotes, or correct the indent"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("", EMPTY, id="empty"),
        pytest.param("# a comment\n\n", EMPTY, id="comment only"),
        pytest.param("---\n", EMPTY, id="empty document"),
        pytest.param("- intent: x\n", LIST, id="list"),
        pytest.param("hello\n", VALUE, id="scalar"),
        pytest.param("null\n", VALUE, id="null"),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here; a file holds one scenario"),
        ("server:\n\tworkers: 5\n", "2:1: a tab is not allowed here; use spaces"),
        ("intent: a\tb\n", "1:10: a tab is not allowed here; use spaces"),
        ("intent: why: what\n", f"1:12: {NO_KEY}"),
        ("intent: x\n  seed: 1\n", f"2:7: {NO_KEY}"),
        ("intent: x\nseed 1\n", "3:1: a key without ':'; write key: value"),
        ("intent: 'x\n", "2:1: a quote is never closed; close it"),
        ("intent: @home\n", "1:9: text cannot begin with this character; put it in quotes"),
        ("a: [1, 2\nb: 3\n",
         "2:2: a list is not closed; write [a, b], and quote text that begins with {"),
        ("a: {b: 1\nc: 3\n", "2:2: a map is not closed; write {a: 1, b: 2}"),
        ("a: [1, 2,\n", "2:1: a list or map is not closed; close it with ] or }"),
        ("a: b\n-\n", f"2:1: {NO_FIT}"),
        ("a: {makespan} is it\n", f"1:15: {NO_FIT}"),
        ("a:\n  - {fastest(makespan)} is done\n", f"2:25: {NO_FIT}"),
        ("a: &x [1]\nb: [*x, *x]\n",
         "1:4: anchors and aliases are not allowed; write the value out"),
        ("a: *x\n", "1:4: anchors and aliases are not allowed; write the value out"),
        ("a: !!python/object/apply:os.system [x]\n",
         "1:4: a tag (os.system) is not allowed; write the plain value"),
        ("a: !x 1\n", "1:4: a tag (!x) is not allowed; write the plain value"),
        ("a: " + "[" * 25, "1:23: nested too deep; allowed: at most 20 levels"),
        ("a: " + "[" * 25 + "]" * 25, "1:23: nested too deep; allowed: at most 20 levels"),
        ("[" + "1, " * 5000 + "1]", f"1:8999: {TOO_MANY}"),
        ("#" * 300_000, "1:1: the file is too large; allowed: at most 256 KiB"),
        (b"a: 1\nb: caf\xe9\n", "2:7: not UTF-8 text; save the file as UTF-8"),
        ("intent: x\n".encode("utf-16"), "1:1: not UTF-8 text; save the file as UTF-8"),
        ("a: 1\nb: \0\n", "2:4: character U+0000; only printable text is allowed"),
        ('a: "\\Uffffffff"\n',
         "1:7: an invalid escape or number; write the character itself"),
        ("%YAML " + "1" * 5000 + ".1\n---\na: 1\n",
         "1:7: an invalid escape or number; write the character itself"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(
    problems: Problems, content: str | bytes, problem: str
) -> None:
    assert problems(content) == [problem]


def notes(path: Path, text: str) -> list[str]:
    """Return the problems that did not end the reading."""
    path.write_text(text, encoding="utf-8")
    return [f"{p.line}:{p.column}: {p.message}" for p in read_document(path).problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", "3:1: key 'a' on line 3 is already on line 1; keep one"),
        ("a:\n", "1:3: no value; write one or leave it out"),
        ("a: ~\n", "1:4: no value; write one or leave it out"),
        ("a: 010\n", "1:4: '010' is an ambiguous number; write it in plain decimal digits"),
        ("a: 0x10\n", "1:4: '0x10' is an ambiguous number; write it in plain decimal digits"),
        ("a: 1:30\n", "1:4: '1:30' is an ambiguous number; write it in plain decimal digits"),
        ("a: 1_000\n", "1:4: '1_000' is an ambiguous number; write it in plain decimal digits"),
        ("a: .inf\n", "1:4: '.inf' is an ambiguous number; write it in plain decimal digits"),
        ("a: " + "9" * 5000,
         f"1:4: '{'9' * 59}…' is an ambiguous number; write it in plain decimal digits"),
        ("1: a\n", "1:1: key '1' is not text; put it in quotes"),
        ("yes: a\n", "1:1: key 'yes' is not text; put it in quotes"),
        ("'': a\n", "1:1: an empty key; write the name of a setting"),
        ("? [a]\n: b\n", "1:3: a list or map as a key; a key is text"),
        ("<<: {a: 1}\n", "1:1: merging with << is not allowed; write the keys out"),
        ('a: 1\nb: "x\\0"\n',
         r"2:4: the text has the character NUL (\0); no text may have it"),
        ('a: [x, "\\x00"]\n',
         r"1:8: the text has the character NUL (\0); no text may have it"),
        ('a: "\\ud83d"\n',
         r"1:4: the text has half a character (\ud83d); write the whole one"),
        ('a: "\\ude00\\ud83d"\n',
         r"1:4: the text has half a character (\ude00); write the whole one"),
        ('{"\\udc00": 1}\n',
         r"1:2: key '\udc00' has half a character (\udc00); write the whole one"),
    ],
)  # fmt: skip
def test_what_can_be_read_on_is_noted(scenario_file: Path, text: str, problem: str) -> None:
    assert notes(scenario_file, text) == [problem]


def test_every_note_of_a_file_is_kept(scenario_file: Path) -> None:
    text = "a:\nb: 1\nb: 2\nc: [0o7, 0x7]\n"
    assert [note.split(":")[0] for note in notes(scenario_file, text)] == ["1", "3", "4"]


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path / "none.yaml", "no such file or directory"),
        (tmp_path, "is a directory"),
    ):
        with pytest.raises(ScenarioError) as refusal:
            load_scenario(path, [])
        assert str(refusal.value) == f"{path}:1:1: cannot be read: {reason}; give a YAML file"


def test_plain_values_mean_what_they_look_like(scenario_file: Path) -> None:
    scenario_file.write_text(
        "\ufefftext: 2020-01-01\ncount: 7\nshare: 0.5\nflag: yes\nlist: [a, 'b']\n",
        encoding="utf-8",
    )
    assert read_document(scenario_file).data == {
        "text": "2020-01-01",
        "count": 7,
        "share": 0.5,
        "flag": True,
        "list": ["a", "b"],
    }


def test_json_of_a_program_is_a_file(scenario_file: Path) -> None:
    """Tabs between brackets, no space after a colon, escaped slashes and pairs of surrogates."""
    data = {"text": "😀 a/b ∑ \x85", "list": [1, 0.5, True, {"x": "y: z # \t"}], "k😀": "b"}
    for indent, separators in (("\t", None), (None, (",", ":")), (2, None)):
        text = json.dumps(data, indent=indent, separators=separators).replace("a/b", r"a\/b")
        scenario_file.write_text(f"\ufeff{text}\r\n", encoding="utf-8")
        document = read_document(scenario_file)
        assert (document.data, document.problems) == (data, [])


@pytest.mark.parametrize(
    "text", ["5", "-0.5", "+5", "yes", "No", "off", "true", "TRUE", "y", "1e3", "2020-01-01", "5ms"]
)
def test_a_text_alone_means_what_it_means_in_a_file(scenario_file: Path, text: str) -> None:
    scenario_file.write_text(f"a: {text}\n")
    value = read_document(scenario_file).data["a"]
    assert (parse_plain(text), type(parse_plain(text))) == (value, type(value))


@pytest.mark.parametrize("text", ["0x10", "010", "1_000", "1:30", ".inf", ".5", "null", "~"])
def test_a_text_alone_is_refused_as_in_a_file(scenario_file: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"no value|ambiguous number") as refusal:
        parse_plain(text)
    assert notes(scenario_file, f"a: {text}\n") == [f"1:4: {refusal.value}"]


def test_a_word_that_is_a_truth_value_is_kept_for_errors(scenario_file: Path) -> None:
    scenario_file.write_text("a: no\nb: [On, true, 'off']\n")
    document = read_document(scenario_file)
    assert document.data == {"a": False, "b": [True, True, "off"]}
    assert document.words == {("a",): "no", ("b", 0): "On"}


def test_places_count_from_one_and_know_where_text_begins(scenario_file: Path) -> None:
    scenario_file.write_text('a:\n  - b\n  - "c"\n  - "\\x64"\n', encoding="utf-8")
    places = read_document(scenario_file).places
    assert places["a",] == Place(value=(2, 3), key=(1, 1))
    assert places["a", 0] == Place(value=(2, 5), key=(2, 5), text_offset=0)
    assert places["a", 1] == Place(value=(3, 5), key=(3, 5), text_offset=1)
    assert places["a", 2] == Place(value=(4, 5), key=(4, 5), text_offset=None)


@given(st.binary() | st.text("abc:-[]{}#&*!|>'\"%@?, \n\t\\0U", max_size=60).map(str.encode))
@example(b'a: "\\UFFFFFFFF"')
@example(b"%TAG ! \xc3\xa9")
def test_any_bytes_are_a_scenario_or_refused(problems: Problems, content: bytes) -> None:
    for line in problems(content):
        assert line.isprintable()


UNIT = "intent: x\nclients: [{executor: closed, users: 1, messages: 1}]\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("a: [" + "1," * 520_000, id="a list of a MiB"),
        pytest.param("a: [" + "1," * 131_000, id="a list of the allowed size"),
        pytest.param("[" * 262_144, id="brackets"),
        pytest.param("- " * 131_072, id="dashes"),
        pytest.param("? " * 131_072, id="questions"),
        pytest.param("\n" * 262_144, id="empty lines"),
        pytest.param("a: '" + "\n" * 262_140, id="a quote of empty lines"),
        pytest.param("a:\n" + " b\n" * 87_000, id="text of many lines"),
        pytest.param("a: 1\n" * 52_000, id="one key again and again"),
        pytest.param(UNIT + "expect: {all: [" + "a_name * 2 == 1, " * 2900 + "]}", id="names"),
        pytest.param(UNIT + "expect:\n" + "".join(f" e{i}: []\n" for i in range(1400)), id="keys"),
        pytest.param(UNIT + "models: [" + "epoll," * 2900 + "]", id="models"),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_no_file_takes_long_to_refuse(problems: Problems, content: str) -> None:
    begin = time.thread_time()
    assert problems(content)
    assert time.thread_time() - begin < 5  # 1.5 s at most on the machine this was written on


def test_a_file_that_is_missing_may_be_another_one(tmp_path: Path) -> None:
    for name in ("quickstart.yaml", "gate.yml", "notes.txt"):
        (tmp_path / name).touch()
    for path, instead in (
        (tmp_path / "quickstrat.yaml", f"did you mean {tmp_path}/quickstart.yaml?"),
        (tmp_path / "gate.yaml", f"did you mean {tmp_path}/gate.yml?"),
        (tmp_path / "other.yaml", "give a YAML file"),
        (tmp_path, f"give a YAML file, e.g. {tmp_path}/gate.yml"),
        (tmp_path / "none" / "gate.yaml", "give a YAML file"),
    ):
        with pytest.raises(ScenarioError) as refused:
            read_document(path)
        assert str(refused.value).endswith(f"; {instead}")
