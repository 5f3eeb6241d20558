"""docs/scenarios.md says what the code does: every table, example and error on it is checked."""

import re
from collections.abc import Callable, Iterable, Iterator

import pytest

from orchestrator.dimensions import COUNT, RATE, SIZE, TIME, UNITS_BYTES
from orchestrator.expressions import parse_expression
from orchestrator.expressions.check import FUNCTIONS
from orchestrator.measures import ALIASES, MEASURES
from orchestrator.models import ROOT
from orchestrator.plan import plan
from orchestrator.scenario import ClosedGroup, Scenario, ServerSettings
from orchestrator.scenario.sections import SERVER_DEFAULTS, Section

Load = Callable[[str | bytes], Scenario]
Problems = Callable[[str | bytes], list[str]]

PAGE = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")
UNITS = {COUNT: "number", TIME: "time", SIZE: "size", RATE: "rate"}


def part(heading: str) -> str:
    """Return the text under ``heading``, up to the next one."""
    return re.split(r"^#+ ", PAGE.split(f"{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under ``heading``, without its head."""
    lines = [line for line in part(heading).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def blocks(kind: str, text: str = PAGE) -> list[str]:
    """Return the fenced blocks of ``kind``."""
    found: Iterable[tuple[str, str]] = re.findall(r"^```(.*)\n((?s:.*?))^```", text, re.MULTILINE)
    return [block for language, block in found if language == kind]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("### What the scenario sets", "input"), ("### What a run measures", "measured")],
)
def test_the_page_lists_every_measure(heading: str, kind: str) -> None:
    assert rows(heading) == [
        [f"`{measure.name}`", UNITS[measure.dimension], measure.meaning]
        for measure in MEASURES.values()
        if measure.kind == kind
    ]


@pytest.mark.parametrize(
    ("heading", "section"),
    [("## Keys", Scenario), ("### `server`", ServerSettings), ("### `clients`", ClosedGroup)],
)
def test_the_page_lists_every_key_with_its_default(heading: str, section: type[Section]) -> None:
    table = {key.strip("`"): default.strip("`") for key, _, default, *_ in rows(heading)}
    assert list(table) == list(section.model_fields)
    for name, field in section.model_fields.items():
        assert (table[name] == "required") == (field.is_required() and name != "models")
        if isinstance(field.default, int | str):
            assert table[name] == str(field.default)


def test_a_setting_left_out_has_the_servers_default(load: Load) -> None:
    """Written out, the defaults of the page leave a server as it is by itself."""
    table = {key.strip("`"): default.strip("`") for key, _, default, *_ in rows("### `server`")}
    assert table.pop("idle_timeout") == "off"
    assert SERVER_DEFAULTS.idle_timeout_s is None
    written = ", ".join(f"{key}: {default}" for key, default in table.items())
    server = load(blocks("yaml")[0] + f"server: {{{written}}}\n").server
    from_environment = type(SERVER_DEFAULTS).from_env(server.environment())
    assert from_environment == SERVER_DEFAULTS


def ranges() -> Iterator[tuple[str, str, str]]:
    """Yield each whole number that the page gives a range: its key, its line, what is allowed."""
    for heading, where in (
        ("## Keys", "{}"),
        ("### `server`", "server: {{{}}}"),
        ("### `clients`", "    {}"),
    ):
        for key, _, _, allowed, _ in rows(heading):
            if re.match("[0-9]+ to [0-9]+", allowed):
                yield key.strip("`"), where, allowed.partition(";")[0]


@pytest.mark.parametrize(("key", "where", "allowed"), [*ranges()])
def test_every_range_is_the_one_that_is_held(
    load: Load, problems: Problems, key: str, where: str, allowed: str
) -> None:
    low, high = map(int, allowed.split(" to "))
    needed = {"users": high if key == "replicas" else 1, "messages": 1}
    text = "intent: x\nclients:\n  - executor: closed\n" + "".join(
        f"    {name}: {value}\n" for name, value in needed.items() if name != key
    )
    for value in (low, high):
        load(text + where.format(f"{key}: {value}"))
    for value in (low - 1, high + 1):
        (problem,) = problems(text + where.format(f"{key}: {value}"))
        assert problem.endswith(f"allowed: a whole number from {allowed}")


def test_every_example_is_a_scenario(load: Load) -> None:
    examples = blocks("yaml")
    assert len(examples) == 3
    for example in examples:
        load(example)


def test_the_cases_of_the_sweep_are_those_of_the_page(load: Load) -> None:
    text = part("### `matrix`: a case for each value")
    (example,), (cases,) = blocks("yaml", text), blocks("", text)
    assert [case.name for case in plan(load(example))] == cases.split()


def test_the_errors_are_those_of_the_bad_example(problems: Problems) -> None:
    text = part("## When it is wrong")
    (example,), (errors,) = blocks("yaml bad", text), blocks("", text)
    assert [f"my.yaml:{problem}" for problem in problems(example)] == errors.splitlines()


def test_every_expression_is_one_and_every_function_unit_and_alias_is_named() -> None:
    text = part("## Expressions")
    for line in blocks("", text)[0].splitlines():
        parse_expression(line)
    for function in FUNCTIONS:
        assert f"`{function}(x" in text
    for unit in UNITS_BYTES:
        assert re.search(rf"`[0-9]+{unit}`", text), unit
    for alias in ALIASES:
        assert f"`{alias}`" in PAGE
