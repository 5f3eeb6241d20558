"""What an image contains, and that no file names a host of packages or images."""

import re
import subprocess
from pathlib import Path

import pytest

from conformance import ROOT, discover_models

MODELS = discover_models()
LOCKS = {path.name: path.read_text() for path in ROOT.glob("requirements*.txt")}
PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
DOT = r"\."  # so that this file contains no host name
HOSTS = re.compile(  # of registries, package indexes and mirrors
    r"\b("
    + "|".join(
        (
            rf"docker{DOT}io/|ghcr{DOT}io|quay{DOT}io|mcr{DOT}microsoft|gcr{DOT}io",
            rf"pypi{DOT}org|pythonho[s]ted{DOT}org",
            rf"(deb|security|ftp{DOT}\w+|snapshot){DOT}debian{DOT}org|\w+{DOT}ubuntu{DOT}com",
        )
    )
    + ")"
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is not a git clone")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("model", MODELS)
def test_a_dockerfile_differs_in_the_models_name_only(model: str) -> None:
    text = (ROOT / "services" / model / "Dockerfile").read_text()
    assert text.replace(model, MODELS[0]) == (ROOT / f"services/{MODELS[0]}/Dockerfile").read_text()


def test_each_model_has_a_port_of_its_own_and_its_page_names_it() -> None:
    compose = (ROOT / "compose.yaml").read_text()
    ports = dict(re.findall(r"LAB_([A-Z_]+)_PORT:-(\d+)\}:3000", compose))
    assert sorted(ports) == sorted(model.upper() for model in MODELS)
    assert len(set(ports.values())) == len(ports)
    for model in MODELS:
        page = (ROOT / "services" / model / "README.md").read_text()
        assert re.findall(r"--target 127\.0\.0\.1:(\d+)", page) == [ports[model.upper()]]


def test_a_build_context_is_an_allowlist() -> None:
    """An allowlist: everything is excluded, then Python files are included."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    assert patterns[0] == "*"
    assert [entry for entry in patterns[1:] if not re.fullmatch(r"!\S+\.py", entry)] == []


@pytest.mark.parametrize("part", ["labkit", "client", "faultproxy"])
def test_a_build_sees_every_folder_of_a_part_by_its_name(part: str) -> None:
    """The classic builder of Docker leaves out a folder that only a wildcard names."""
    named = set((ROOT / ".dockerignore").read_text().splitlines())
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / part).rglob("*.py")}
    assert {f"!{folder}/*.py" for folder in folders} <= named


@pytest.mark.parametrize("lock", sorted(LOCKS))
def test_every_dependency_is_locked_with_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", LOCKS[lock].strip())
    loose = [entry for entry in entries if not (PINNED.match(entry) and "--hash=sha256:" in entry)]
    assert loose == []


def test_development_has_the_dependencies_of_a_user() -> None:
    assert set(PINNED.findall(LOCKS["requirements.txt"])) <= set(
        PINNED.findall(LOCKS["requirements-dev.txt"])
    )


def test_no_host_of_packages_or_images_is_named() -> None:
    """They are configured in the user's apt, pip and engine."""
    found = {
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in tracked_files()
        for match in HOSTS.finditer(file.read_text(errors="replace"))
    }
    assert found == set()


def test_a_clone_has_the_line_ends_of_unix_whatever_git_is_set_to(tmp_path: Path) -> None:
    """Otherwise the first line of a script names a program that ends with a line end."""
    texts = [path for path in tracked_files() if path.suffix not in {".png", ".npy", ".gz"}]
    names = "\0".join(str(path.relative_to(ROOT)) for path in texts)
    subprocess.run(
        ["git", "-c", "core.autocrlf=true", "checkout-index", "--stdin", "-z", "-f",
         f"--prefix={tmp_path}/"],
        cwd=ROOT, input=names.encode(), check=False, capture_output=True,
    )  # fmt: skip
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in written} >= {"venv", "Dockerfile", "server.py"}
    assert [path.name for path in written if b"\r\n" in path.read_bytes()] == []
