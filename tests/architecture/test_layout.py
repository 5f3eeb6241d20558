"""The rules of the house that no type checker knows."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models import ROOT, discover_models

ROOMS = ("labkit", "services", "client", "faultproxy", "probe", "orchestrator")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MODULE_LINES = 400
SERVER_CODE_LINES = 150
LONGER = {
    "services/epoll/server.py": 185,  # a loop is its own scheduler; what could leave has left
}
ANALYSIS = ("analyse", "conclude", "doubts", "restore", "verdict", "report")
PRINTS = {"cli.py"}


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
    """Return what ``path`` imports beyond the standard library and the rooms ``allowed``."""
    return [
        name
        for name in _imports(path)
        if (top := name.partition(".")[0]) not in sys.stdlib_module_names and top not in allowed
    ]


@pytest.mark.parametrize("name", _names(MODULES))
def test_imports_point_one_way(name: str) -> None:
    room = name.partition("/")[0]
    if room in ("labkit", "probe"):  # a probe is sent into containers by itself
        assert _ours(ROOT / name, room) == []
    elif room in ("services", "client", "faultproxy"):
        own = () if room == "services" else (room,)
        assert _ours(ROOT / name, "labkit", *own) == []
    else:
        tops = {imported.partition(".")[0] for imported in _imports(ROOT / name)}
        assert not tops & {"services", "client"}


@pytest.mark.parametrize("name", [n for n in _names(MODULES) if n.startswith("orchestrator/")])
def test_a_stored_run_is_analysed_without_an_engine(name: str) -> None:
    if name.split("/")[1].removesuffix(".py") in ANALYSIS:
        forbidden = ("orchestrator.backends", "orchestrator.engine", "docker")
        assert [used for used in _imports(ROOT / name) if used.startswith(forbidden)] == []


@pytest.mark.parametrize("name", _names(MODULES))
def test_a_module_is_short(name: str) -> None:
    path = ROOT / name
    if name.startswith("services/"):  # a model; the conductor has a server.py, too
        assert _code_lines(path) <= LONGER.get(name, SERVER_CODE_LINES)
    else:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= LONGER.get(name, MODULE_LINES)


def _code_lines(path: Path) -> int:
    """Count the lines that are neither blank, comment nor docstring."""
    text = path.read_text(encoding="utf-8")
    documented: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        documents = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if documents and ast.get_docstring(node) is not None:  # type: ignore[arg-type]
            docstring = node.body[0]  # type: ignore[attr-defined]
            documented |= set(range(docstring.lineno, docstring.end_lineno + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in documented
        for number, line in enumerate(text.splitlines(), start=1)
    )


@pytest.mark.parametrize("name", _names(MODULES))
def test_only_a_command_line_prints(name: str) -> None:
    calls = [
        node.lineno
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not calls or Path(name).name in PRINTS


@pytest.mark.parametrize("name", [n for n in _names(MODULES) if not n.startswith("services/")])
def test_nobody_enumerates_the_models(name: str) -> None:
    """Two models' names in quotes are a list that a fifth model would be missing from."""
    text = (ROOT / name).read_text(encoding="utf-8")
    quoted = {model for model in discover_models() if re.search(f"[\"']{model}[\"']", text)}
    assert len(quoted) < 2


def test_a_model_has_the_same_files_as_every_other() -> None:
    expected = {"Dockerfile", "README.md", "server.py"}
    for model in discover_models():
        files = {path.name for path in (ROOT / "services" / model).iterdir()}
        assert files - {"__pycache__"} == expected, model


def test_dockerfiles_differ_in_the_name_only() -> None:
    texts = {
        (ROOT / "services" / model / "Dockerfile").read_text(encoding="utf-8").replace(model, "?")
        for model in discover_models()
    }
    assert len(texts) == 1
