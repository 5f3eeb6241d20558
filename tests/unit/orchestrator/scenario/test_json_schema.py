import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestrator.cli.schema import DOCS, scenario_schema_json
from orchestrator.scenario.json_schema import KEY_MEANINGS, scenario_schema
from orchestrator.scenario.models import ROOT

SCHEMA = scenario_schema()
READY = sorted([*ROOT.glob("scenarios/*.yaml"), *ROOT.glob("claims/*.yaml")])
PAGE = (DOCS / "scenarios.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
WHOLE = [block for block in BLOCKS if "intent" in block]
GOOD = """\
intent: Who waits for whom?
clients: [{executor: closed, users: 7, messages: 5}]
"""


def errors(text: str) -> list[str]:
    """Return where ``text`` is not what the schema says."""
    found = jsonschema.Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))
    return [error.json_path for error in found]


def test_it_is_a_schema_and_in_step_with_the_published_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    published = (DOCS / "scenario.schema.json").read_text(encoding="utf-8")
    assert published == scenario_schema_json(), "run python -m orchestrator.cli.schema"
    assert json.loads(published) == SCHEMA


def described() -> Iterator[tuple[str, str]]:
    """Yield each key and its description."""
    for section in (SCHEMA, *SCHEMA["$defs"].values()):
        for key, value in section.get("properties", {}).items():
            yield key, value["description"]


def test_every_key_has_a_meaning_and_every_meaning_a_key() -> None:
    assert [key for key, meaning in described() if not meaning] == []
    assert KEY_MEANINGS.keys() - {key for key, _ in described()} == set()


@pytest.mark.parametrize("path", READY, ids=lambda path: path.stem)
def test_every_ready_scenario_satisfies_it(path: Path) -> None:
    assert errors(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("block", WHOLE)
def test_every_scenario_of_the_docs_satisfies_it(block: str) -> None:
    assert errors(block) == []


@pytest.mark.parametrize(
    "more",
    [
        "variables: {n: 5}\nrepeats: $n\n",
        "matrix: {users: [1, 2], clients.demand: [sleep=1ms], workers: [$n], cpus: [0.5]}\n",
        "expect: {all: [failed == 0]}\ncompare: []\n",
        "matrix: [{users: 1, workers: 2}, {users: 2 * workers, workers: 4}]\n",
        "matrix: {users: [2 * workers, workers], workers: [1]}\nserver: {drain_timeout: 1s + 2s}\n",
        "models: all\nmatrix: {net.ipv4.tcp_migrate_req: [0, 1], accept: [shared, $how]}\n",
        "models: $which\nignores: {prefork: []}\n",
        "interpreter: 3.20\nmatrix: {interpreter: [3.13, 3.13t, python:3.14-slim, $python]}\n",
        "server: {workers: 3, blocking_sleep: true, work: cpu}\nlimits: {memory: 64MiB}\n",
    ],
)
def test_what_is_allowed(more: str) -> None:
    assert errors(GOOD + more) == []


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("clients: []\n", "$"),
        (GOOD + "repeats: 0\n", "$.repeats"),
        (GOOD + "repeets: 5\n", "$"),
        (GOOD + "timeout: 5\n", "$.timeout"),
        (GOOD + "timeout: 5 s\n", "$.timeout"),
        (GOOD + "server: {workers: many}\n", "$.server.workers"),
        (GOOD + "matrix: {wrokers: [1]}\n", "$.matrix"),
        (GOOD + "matrix: {net.ipv4-tcp_migrate_req: [1]}\n", "$.matrix"),
        (
            GOOD + "matrix: {net.ipv4.tcp_migrate_req: [2]}\n",
            "$.matrix['net.ipv4.tcp_migrate_req'][0]",
        ),
        (GOOD + "limits: {sysctls: {net.core.somaxconn: 1}}\n", "$.limits.sysctls"),
        (GOOD + "server: {accept_lock: none}\n", "$.server.accept_lock"),
        (GOOD + "matrix: {max_children: [0]}\n", "$.matrix.max_children[0]"),
        (GOOD + "matrix: {workers: [0]}\n", "$.matrix.workers[0]"),
        (GOOD + "matrix: [{workers: 0}]\n", "$.matrix[0].workers"),
        (GOOD + "matrix: [{wrokers: 1}]\n", "$.matrix[0]"),
        (GOOD + "matrix: [1]\n", "$.matrix[0]"),
        (GOOD + "expect: {all: []}\n", "$.expect.all"),
        (GOOD + "interpreter: 3.10\n", "$.interpreter"),
        (GOOD + "interpreter: 3\n", "$.interpreter"),
        (GOOD + "interpreter: 2 * users\n", "$.interpreter"),
        (GOOD + "matrix: {interpreter: [/usr/bin/python3]}\n", "$.matrix.interpreter[0]"),
        (GOOD.replace("closed", "closde"), "$.clients[0]"),
        (GOOD.replace("users: 7", "users: 7, rate: 5/s"), "$.clients[0]"),
        (GOOD.replace("users: 7", "users: 7, demand: 5ms"), "$.clients[0]"),
        (GOOD.replace("users: 7, ", ""), "$.clients[0]"),
    ],
)
def test_what_is_not(text: str, where: str) -> None:
    assert where in errors(text)
