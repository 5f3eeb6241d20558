"""Rules of the code base that no type checker knows."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from benchmarks import contestants
from conformance import ROOT, discover_models, own_settings
from labkit.server.settings import variable
from orchestrator.scenario.models import read_models

PACKAGES = ("labkit", "services", "client", "faultproxy", "probe", "conformance", "orchestrator")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MODULE_LINES = 400
SERVER_LINES = 70
LONGER = {
    "services/half_sync/server.py": 90,  # an event loop, and what passes between it and its pool
    "services/asyncio/server.py": 90,  # coroutines: a connection from top to bottom
    "services/select/server.py": 90,  # an event loop that also keeps what epoll keeps in the kernel
}
GROUPS = (
    "one at a time", "a process each", "a thread each", "pools", "loops", "loops in processes",
)  # fmt: skip
PRINTS = {"cli.py"}

UNIT = ROOT / "tests/unit"
PARTS = ("labkit", "client", "faultproxy", "probe", "orchestrator")
"""Those that `tests/unit` mirrors; the servers' tests are the contract, see `conformance/`.

What no client can arrange from outside is tried by `tests/unit/services`.
"""

TESTED_ELSEWHERE = {
    "client/client.py": "tests/e2e/test_client.py",  # the entry that users run
    "faultproxy/__main__.py": "tests/unit/faultproxy/test_program.py",
    "probe/__main__.py": "tests/unit/orchestrator/execution/test_probe.py",
    # Values only, of which verdicts are made.
    "orchestrator/capacity/trial.py": "tests/unit/orchestrator/capacity/test_classify.py",
    # Only an engine can try these.
    "orchestrator/execution/docker/server.py": "tests/e2e/test_faults.py",
}
"""Modules without a unit test of their name, each with the file that tests it."""


def _names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _ours(path: Path, *allowed: str) -> list[str]:
    """Return what ``path`` imports beyond the standard library and the packages ``allowed``."""
    return [
        name
        for name in _imports(path)
        if (top := name.partition(".")[0]) not in sys.stdlib_module_names and top not in allowed
    ]


def _imported_against_the_order(name: str) -> list[str]:
    package = name.partition("/")[0]
    if package in ("labkit", "probe"):  # the probe is sent into containers without other files
        return _ours(ROOT / name, package)
    if package in ("services", "client", "faultproxy"):
        own = () if package == "services" else (package,)
        return _ours(ROOT / name, "labkit", *own)
    if package == "conformance":  # a broken server is one of ours with a defect
        base = ("services",) if name.startswith("conformance/broken_servers/") else ()
        return _ours(ROOT / name, "labkit", package, "pytest", "hypothesis", *base)
    tops = {imported.partition(".")[0] for imported in _imports(ROOT / name)}
    return sorted(tops & {"services", "client"})


def test_imports_point_one_way() -> None:
    wrong = {name: _imported_against_the_order(name) for name in _names(MODULES)}
    assert {name: imports for name, imports in wrong.items() if imports} == {}


def test_a_module_is_short() -> None:
    def limit(name: str) -> int:
        return LONGER.get(name, SERVER_LINES if name.startswith("services/") else MODULE_LINES)

    lines = {name: len((ROOT / name).read_text("utf-8").splitlines()) for name in _names(MODULES)}
    assert {name: count for name, count in lines.items() if count > limit(name)} == {}


def _print_calls(name: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]


def test_only_a_command_line_prints() -> None:
    names = [name for name in _names(MODULES) if Path(name).name not in PRINTS]
    assert {name: calls for name in names if (calls := _print_calls(name))} == {}


def test_no_module_lists_the_models() -> None:
    """Two models' names in quotes are a list, in which a fifth model would be missing."""
    quoted = re.compile(f"[\"']({'|'.join(map(re.escape, discover_models()))})[\"']")
    for name in _names(MODULES):
        if not name.startswith("services/"):
            found = set(quoted.findall((ROOT / name).read_text(encoding="utf-8")))
            assert len(found) < 2, name


def test_a_model_has_the_same_files_as_every_other() -> None:
    expected = {"Dockerfile", "README.md", "server.py"}
    for model in discover_models():
        files = {path.name for path in (ROOT / "services" / model).iterdir()}
        assert files - {"__pycache__"} == expected, model


def test_a_model_s_labels_declare_the_settings_that_its_server_has() -> None:
    declared = {name: model.settings for name, model in read_models().items()}
    written = {name: {own.name: own for own in own_settings(name)} for name in declared}
    assert declared == written


def test_a_setting_has_the_same_values_in_each_model_that_has_it() -> None:
    every = [own for model in discover_models() for own in own_settings(model)]
    assert len({own.name for own in every}) == len(set(every))


def test_a_model_passes_its_settings_on_to_its_container() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for model in discover_models():
        environment = services[model]["environment"]
        for own in own_settings(model):
            name = variable(own.name)
            assert environment[name] == f"${{{name}:-}}", "empty: the default of the server"


def test_each_model_has_a_port_of_its_own_which_its_page_names() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ports = dict[str, str]()
    for model in discover_models():
        (published,) = services[model]["ports"]
        found = re.fullmatch(rf"127\.0\.0\.1:\${{LAB_{model.upper()}_PORT:-(\d+)}}:3000", published)
        assert found, published
        ports[model] = found[1]
        page = (ROOT / "services" / model / "README.md").read_text(encoding="utf-8")
        assert f"127.0.0.1:{found[1]}" in page, model
    assert len(set(ports.values())) == len(ports)


def test_a_model_belongs_to_a_group_of_the_readme() -> None:
    assert {model.group for model in read_models().values()} <= set(GROUPS)


def test_the_bench_finds_every_model_and_its_group() -> None:
    assert {name: model.group for name, model in read_models().items()} == contestants.MODELS


def test_dockerfiles_differ_in_the_name_only() -> None:
    texts = {
        (ROOT / "services" / model / "Dockerfile").read_text(encoding="utf-8").replace(model, "?")
        for model in discover_models()
    }
    assert len(texts) == 1


def _module_of(test: Path) -> Path | None:
    """Return the module that ``test`` is named after, None if there is none.

    ``test_server_log.py`` is a test of ``server_log.py`` if there is one, else of ``server.py``.
    """
    words = test.stem.removeprefix("test_").split("_")
    for length in range(len(words), 0, -1):
        name = "_".join(words[:length]) + ".py"
        for folder in (ROOT / test.relative_to(UNIT).parent, test.parent):
            if (folder / name).is_file():
                return folder / name
    return None


def _unit_tests() -> dict[Path, Path | None]:
    """Return each unit test of the parts, with the module that it is named after."""
    tests = [path for part in PARTS for path in (UNIT / part).rglob("test_*.py")]
    return {test: _module_of(test) for test in sorted(tests)}


def _untested() -> set[str]:
    """Return the modules of the parts without a unit test of their name."""
    modules = [name for name in _names(MODULES) if name.partition("/")[0] in PARTS]
    tested = _names([module for module in _unit_tests().values() if module is not None])
    return {name for name in modules if not name.endswith("__init__.py")} - set(tested)


def test_a_module_has_a_test_of_its_name() -> None:
    assert _untested() - set(TESTED_ELSEWHERE) == set()


@pytest.mark.parametrize("name", TESTED_ELSEWHERE)
def test_an_exception_has_none_and_is_tested_where_it_says(name: str) -> None:
    assert name in _untested()
    assert (ROOT / TESTED_ELSEWHERE[name]).is_file()


def test_a_unit_test_is_named_after_a_module() -> None:
    """Helpers of tests may have tests, too."""
    assert [str(test) for test, module in _unit_tests().items() if module is None] == []


def test_tests_of_containers_and_pages_are_where_scripts_test_looks_for_them() -> None:
    """Elsewhere, no part would run them."""
    found = re.search(r"^MEASURED=\((.*?)\)", (ROOT / "scripts/test").read_text(), re.MULTILINE)
    assert found
    places = tuple(ROOT / place for place in found[1].split())
    marked = [
        path
        for tests in ("tests", "conformance")
        for path in (ROOT / tests).rglob("*.py")
        if re.search(r"mark\.(docker|browser)\b", path.read_text(encoding="utf-8"))
    ]
    assert marked
    assert [path for path in marked if not any(map(path.is_relative_to, places))] == []
