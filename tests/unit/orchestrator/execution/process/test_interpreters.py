"""A Python on this machine is found, or refused by name."""

import sys
from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError, Needs
from orchestrator.execution.process import interpreters
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.execution.process.interpreters import described, executable_of

OURS = "{}.{}".format(*sys.version_info[:2]) + getattr(sys, "abiflags", "").strip("d")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder on the PATH; the user's cache is beside it, and both are empty."""
    on_path = tmp_path / "bin"
    on_path.mkdir()
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    interpreters._reported.cache_clear()  # noqa: SLF001
    return on_path


def put(path: Path, reported: str) -> str:
    """Write an executable that reports a version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {reported}\n")
    path.chmod(0o755)
    return str(path)


def built(places: Path, version: str) -> Path:
    return (
        places.parent
        / "cache"
        / "server-models-lab"
        / f"python{version}"
        / "bin"
        / (f"python{version}")
    )


def test_without_a_request_it_is_ours() -> None:
    assert executable_of(None) == sys.executable


def test_ours_is_found_by_its_version() -> None:
    assert executable_of(OURS) == sys.executable


def test_what_the_lab_has_built_comes_before_the_path(places: Path) -> None:
    on_path = put(places / "python3.99t", "3.99t 3.99.1")
    assert executable_of("3.99t") == on_path
    own = put(built(places, "3.99t"), "3.99t 3.99.2")
    assert executable_of("3.99t") == own
    assert described("3.99t") == f"3.99.2, free-threaded, {own}"


def test_what_is_missing_is_refused_with_the_command_that_builds_it(places: Path) -> None:
    with pytest.raises(BackendError) as refused:
        ProcessBackend().prepare(Needs(["threaded"], interpreters=(None, "3.99t")))
    assert str(refused.value) == (
        f"interpreter 3.99t is not on this machine: no python3.99t is in "
        f"{built(places, '3.99t').parent} or on the PATH; "
        "build it with: make interpreter PYTHON=3.99t"
    )


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        ("3.99 3.99.1", "is Python 3.99"),  # built with the lock, under the other's name
        ("; exit 1", "is no Python that runs"),
        ("hello", "is no Python that runs"),
    ],
)
def test_a_program_of_that_name_that_is_something_else_is_refused(
    places: Path, reported: str, reason: str
) -> None:
    path = put(places / "python3.99t", reported)
    with pytest.raises(BackendError) as refused:
        executable_of("3.99t")
    assert f"{path} {reason}; build it with: make interpreter PYTHON=3.99t" in str(refused.value)


def test_an_image_cannot_run_as_a_process() -> None:
    with pytest.raises(BackendError, match="is an image; use --backend docker"):
        executable_of("python:3.14-slim")


def test_the_results_say_what_ran(places: Path) -> None:
    path = put(places / "python3.99", "3.99 3.99.4")
    backend = ProcessBackend()
    backend.prepare(Needs(["threaded"], interpreters=("3.99",)))
    assert backend.describe() == {
        "python": sys.version.split()[0],
        "interpreters": {"3.99": f"3.99.4, with the interpreter lock, {path}"},
    }
