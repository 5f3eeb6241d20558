"""The pages on scenarios, expressions and measures agree with the code.

Every table, example and error message on them is checked.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, UNITS_BYTES
from orchestrator.measures.expression import parse_expression
from orchestrator.measures.registry import ALIASES, MEASURES
from orchestrator.measures.sentences import PLURALS
from orchestrator.measures.syntax import EXTREMES, FUNCTIONS, WHICH
from orchestrator.measures.template import parse_template
from orchestrator.scenario.clients import BEHAVIOURS, EXECUTORS, Group
from orchestrator.scenario.faults import KINDS, Fault
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_ignored, discover_models
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.retry import Retry
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import (
    SERVER_DEFAULTS,
    CommonSettings,
    Limits,
    Section,
    ServerSettings,
    Sysctls,
    Target,
)
from orchestrator.scenario.yaml_document import ScenarioError

Load = Callable[[str | bytes], Scenario]
Problems = Callable[[str | bytes], list[str]]

PAGE, EXPRESSIONS, MEASURES_PAGE = (
    (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in ("scenarios.md", "expressions.md", "measures.md")
)
UNITS = {COUNT: "-", TIME: "s", SIZE: "B", RATE: "/s"}


def part(heading: str, page: str = PAGE) -> str:
    """Return the text under ``heading``, up to the next one."""
    return re.split(r"^#+ ", page.split(f"{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(heading: str, page: str = PAGE) -> list[list[str]]:
    """Return the cells of the table under ``heading``, without its head."""
    lines = [line for line in part(heading, page).splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def blocks(kind: str, text: str = PAGE) -> list[str]:
    """Return the fenced blocks of ``kind``."""
    found: Iterable[tuple[str, str]] = re.findall(r"^```(.*)\n((?s:.*?))^```", text, re.MULTILINE)
    return [block for language, block in found if language == kind]


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("## Set by the scenario", "input"), ("## Measured in a run", "measured")],
)
def test_the_page_lists_every_measure(heading: str, kind: str) -> None:
    assert rows(heading, MEASURES_PAGE) == [
        [f"`{measure.name}`", f"`{measure.key}`", UNITS[measure.dimension], measure.meaning]
        for measure in MEASURES.values()
        if measure.kind == kind
    ]


SECTIONS = [
    ("## Keys", list(Scenario.model_fields), Scenario),
    ("### `server`", list(CommonSettings.model_fields), ServerSettings),
    ("### `target`", list(Target.model_fields), Target),
    ("### `limits`", list(Limits.model_fields), Limits),
    ("#### `limits.sysctls`", list(Sysctls.model_fields), Sysctls),
    ("### `faults`", list(Fault.model_fields), Fault),
    ("### `clients`", list(Group.model_fields), EXECUTORS["closed"]),
    ("#### `retry`", list(Retry.model_fields), Retry),
    *(
        (
            f"#### `{name}`",
            [k for k in section.model_fields if k not in Group.model_fields],
            section,
        )
        for name, section in EXECUTORS.items()
    ),
]


@pytest.mark.parametrize(("heading", "keys", "section"), SECTIONS)
def test_the_page_lists_every_key_with_its_default(
    heading: str, keys: list[str], section: type[Section]
) -> None:
    table = {key.strip("`"): default.strip("`") for key, _, default, *_ in rows(heading)}
    assert list(table) == keys
    for name in keys:
        field = section.model_fields[name]
        assert (table[name] == "required") == (field.is_required() and name != "models")
        if isinstance(field.default, int | str):
            assert table[name] == yaml.safe_dump(field.default).split("\n")[0]


def test_the_page_lists_every_executor_behaviour_and_fault() -> None:
    text = part("### `clients`")
    assert re.findall(r"^\| \[`(\w+)`\]", text, re.MULTILINE) == list(EXECUTORS)
    assert [name.strip("`") for name, *_ in rows("#### Behaviours")] == list(BEHAVIOURS)
    assert [name.strip("`") for name, *_ in rows("#### Kinds of faults")] == list(KINDS)


def test_a_setting_left_out_has_the_servers_default(load: Load) -> None:
    """Written out, the defaults of the page leave a server as it is by itself."""
    table = {key.strip("`"): default.strip("`") for key, _, default, *_ in rows("### `server`")}
    assert table.pop("idle_timeout") == "off"
    assert SERVER_DEFAULTS.idle_timeout_s is None
    written = ", ".join(f"{key}: {default}" for key, default in table.items())
    server = load(blocks("yaml")[0] + f"server: {{{written}}}\n").server
    from_environment = type(SERVER_DEFAULTS).from_env(server.environment())
    assert from_environment == SERVER_DEFAULTS


GROUPS = {
    "#### `closed`": "users: 2, messages: 1, executor: closed",
    "#### `open`": "rate: 1/s, duration: 1s, connections: each, executor: open",
    "#### `ramp`": "stages: [{duration: 1s, rate: 1/s}], connections: each, executor: ramp",
    "### `clients`": "users: 1000, messages: 1, executor: closed",
}
NEEDED = {"pipeline": "behaviour: pipeline"}
ROOTS = {
    "### `target`": "target: {{image: x, {}}}\n",
    "### `server`": "server: {{{}}}\n",
    "#### `limits.sysctls`": "limits: {{sysctls: {{{}}}}}\n",
    "### `faults`": "faults: [{{at: 1s, fault: fill-backlog, lasts: 1s, {}}}]\n",
    "toxicity": "faults: [{{at: 1s, fault: reset_peer, lasts: 1s, {}}}]\n",
}


def ranges() -> Iterator[tuple[str, str, str]]:
    """Yield each whole number that the page gives a range: key, heading, what is allowed."""
    for heading, *_ in SECTIONS:
        for key, _, _, allowed, _ in rows(heading):
            if re.match("[0-9]+ to [0-9]+$|[0-9]+ to [0-9]+, or", allowed):
                yield key.strip("`"), heading, allowed.partition(",")[0]


def scenario_with(key: str, value: int, heading: str) -> str:
    """Return a scenario that is valid if ``key`` may have that value."""
    group = GROUPS.get(heading, GROUPS["#### `closed`"])
    own = f"{key}: {value}"
    if heading == "#### `retry`":
        own_terms = [GROUPS["#### `open`"], "answer_timeout: 1s", f"retry: {{{own}}}"]
        return f"intent: x\nclients: [{{{', '.join(own_terms)}}}]\n"
    if heading in GROUPS:
        others = [each for each in group.split(", ") if not each.startswith(f"{key}:")]
        own_terms = [*others, own, *([NEEDED[key]] if key in NEEDED else [])]
        return f"intent: x\nclients: [{{{', '.join(own_terms)}}}]\n"
    text = f"intent: x\nclients: [{{{group}}}]\n"
    return text + ROOTS.get(key, ROOTS.get(heading, "{}\n")).format(own)


@pytest.mark.parametrize(("key", "heading", "allowed"), [*ranges()])
def test_every_range_is_the_one_that_is_held(
    load: Load, problems: Problems, key: str, heading: str, allowed: str
) -> None:
    low, high = map(int, allowed.split(" to "))
    for value in (low, high):
        load(scenario_with(key, value, heading))
    for value in (low - 1, high + 1):
        (problem,) = problems(scenario_with(key, value, heading))
        assert re.search(rf"allowed: .*{low} to {high}$", problem)


def test_there_are_as_many_ranges_as_it_seems() -> None:
    assert len([*ranges()]) >= 9


def test_every_example_is_a_scenario(load: Load) -> None:
    examples = blocks("yaml")
    assert len(examples) == 14
    for example in examples:
        load(example)


def test_the_cases_of_the_sweep_are_those_of_the_page(tmp_path: Path) -> None:
    text = part("### `matrix`: a case for each value")
    (example,), (cases,) = blocks("yaml", text), blocks("", text)
    path = tmp_path / "s.yaml"
    path.write_text(example, encoding="utf-8")
    scenario = load_scenario(path, discover_models(), ignored=discover_ignored())
    assert [case.name for case in plan_cases(scenario)] == cases.split()


def test_the_errors_are_those_of_the_bad_example(tmp_path: Path) -> None:
    text = part("## Error messages")
    (example,), (errors,) = blocks("yaml bad", text), blocks("", text)
    path = tmp_path / "my.yaml"
    path.write_text(example, encoding="utf-8")
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(path, discover_models())
    refused = [str(each).removeprefix(f"{tmp_path}/") for each in refusal.value.problems]
    for line, shown in zip(refused, errors.splitlines(), strict=True):
        start, is_cut, _ = shown.partition("…")  # the names of models and of their settings
        assert line == start or (is_cut and line.startswith(start))


def test_every_expression_is_one_and_every_function_unit_and_alias_is_named() -> None:
    text = EXPRESSIONS
    for line in blocks("", text)[0].splitlines():
        parse_expression(line)
    for function in FUNCTIONS:
        assert f"`{function}(x" in text
    for unit in UNITS_BYTES:
        assert re.search(rf"`[0-9]+{unit}`", text), unit
    for alias in ALIASES:
        assert f"`{alias}`" in MEASURES_PAGE


def test_every_hole_of_an_answer_is_one_and_every_word_of_the_language_is_named() -> None:
    text = part("## Answers", EXPRESSIONS)
    holes = re.findall(r"\{[^{}]*\}", "".join(re.findall(r"^\| (`\{.*?`) \|", text, re.MULTILINE)))
    parse_template("{fastest(makespan)} " + " ".join(holes))
    assert len(holes) >= 15
    assert all(f"{{{word}" in "".join(holes) for word in (*EXTREMES, WHICH, "ratio"))
    assert all(f"`{verb}`" in text for verb in PLURALS)
