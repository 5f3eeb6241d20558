"""Rules of the code base that no type checker knows."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import ROOT, discover_models

PACKAGES = ("labkit", "services", "client", "faultproxy", "probe", "conformance", "orchestrator")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MODULE_LINES = 400
SERVER_LINES = 70
LONGER = {
    "services/epoll/server.py": 170,  # an event loop with its own scheduler
}
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
    """Return what ``path`` imports beyond the standard library and the packages ``allowed``."""
    return [
        name
        for name in _imports(path)
        if (top := name.partition(".")[0]) not in sys.stdlib_module_names and top not in allowed
    ]


@pytest.mark.parametrize("name", _names(MODULES))
def test_imports_point_one_way(name: str) -> None:
    package = name.partition("/")[0]
    if package in ("labkit", "probe"):  # the probe is sent into containers without other files
        assert _ours(ROOT / name, package) == []
    elif package in ("services", "client", "faultproxy"):
        own = () if package == "services" else (package,)
        assert _ours(ROOT / name, "labkit", *own) == []
    elif package == "conformance":  # a broken server is one of ours with a defect
        base = ("services",) if name.startswith("conformance/broken_servers/") else ()
        assert _ours(ROOT / name, "labkit", package, "pytest", "hypothesis", *base) == []
    else:
        tops = {imported.partition(".")[0] for imported in _imports(ROOT / name)}
        assert not tops & {"services", "client"}


@pytest.mark.parametrize("name", _names(MODULES))
def test_a_module_is_short(name: str) -> None:
    limit = SERVER_LINES if name.startswith("services/") else MODULE_LINES
    lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
    assert lines <= LONGER.get(name, limit)


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
def test_no_module_lists_the_models(name: str) -> None:
    """Two models' names in quotes are a list, in which a fifth model would be missing."""
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
