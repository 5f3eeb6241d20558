"""The tag of an image is a digest of what its build reads, of all of it and of nothing else."""

from pathlib import Path
from typing import Any

import pytest

from orchestrator.execution.docker.image_source import base_images, context_files, source_tag
from orchestrator.scenario.models import ROOT

IGNORE = "# an allowlist\n*\n!labkit/*.py\n!services/*/server.py\n"
BUILD: dict[str, Any] = {"context": "/a", "dockerfile": "Dockerfile", "args": {"BASE": "base:1"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a small checkout."""
    for name in ("labkit/a.py", "labkit/notes.txt", "services/one/server.py", "results/big.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / ".dockerignore").write_text(IGNORE)
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY labkit labkit\n")
    return tmp_path


def tag(root: Path, base_id: str = "sha256:1", **build: object) -> str:
    return source_tag("one", {**BUILD, **build}, root, lambda _: base_id)


def test_only_files_that_enter_a_build_are_in_the_context(root: Path) -> None:
    names = [str(path.relative_to(root)) for path in context_files(root)]
    assert names == ["labkit/a.py", "services/one/server.py"]


def test_without_an_allowlist_every_file_counts(root: Path) -> None:
    (root / ".dockerignore").write_text("results\n")
    names = {str(path.relative_to(root)) for path in context_files(root)}
    assert names == {
        "Dockerfile", ".dockerignore", "labkit/a.py", "labkit/notes.txt", "services/one/server.py",
    }  # fmt: skip


def test_the_lab_s_own_context_has_every_server_and_nothing_but_python() -> None:
    names = {str(path.relative_to(ROOT)) for path in context_files(ROOT)}
    servers = {str(path.relative_to(ROOT)) for path in ROOT.glob("services/*/server.py")}
    assert servers < names
    assert {Path(name).suffix for name in names} == {".py"}


def test_the_same_source_has_the_same_tag_in_every_folder(root: Path) -> None:
    assert tag(root) == tag(root, context="/another/checkout")
    (root / "results/big.py").write_text("results are not in the image")
    assert tag(root).startswith("server-models-lab/one:source-")
    assert tag(root) == tag(root)


@pytest.mark.parametrize("name", ["labkit/a.py", "services/one/server.py", "Dockerfile"])
def test_another_content_has_another_tag(name: str, root: Path) -> None:
    before = tag(root)
    with (root / name).open("a") as file:
        file.write("# changed\n")
    assert tag(root) != before


def test_a_new_name_or_mode_or_base_or_argument_has_another_tag(root: Path) -> None:
    tags = {
        tag(root),
        tag(root, base_id="sha256:2"),
        tag(root, args={"BASE": "base:2"}),
        tag(root, target="stage"),
    }
    (root / "labkit/a.py").chmod(0o700)
    tags.add(tag(root))
    (root / "labkit/a.py").rename(root / "labkit/b.py")
    tags.add(tag(root))
    assert len(tags) == 6


@pytest.mark.parametrize(
    ("dockerfile", "bases"),
    [
        ("FROM python:3.13\n", {"python:3.13"}),
        ("ARG BASE=x\nFROM ${BASE}\n", {"base:1"}),
        ("ARG BASE=x\nfrom --platform=linux/amd64 $BASE AS one\nFROM b\n", {"base:1", "b"}),
        ("FROM ${BASE:-other}\n", {"base:1"}),
        ("FROM ${UNKNOWN}\n", set()),
    ],
)
def test_base_images_are_those_of_the_dockerfile(dockerfile: str, bases: set[str]) -> None:
    assert base_images(dockerfile, {"BASE": "base:1"}) == bases
