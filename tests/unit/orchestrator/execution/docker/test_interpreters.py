"""The base image of an interpreter is found, pulled, or refused by name."""

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.interpreters import base_of, names_version

LAB_BASE = "server-models-lab/base:trixie-python3.13"


def find(interpreter: str, *present: str, registry: tuple[str, ...] = ()) -> str:
    """Return the base image on an engine with some images, of which a registry has others."""

    def pull(image: str) -> None:
        if image not in registry:
            raise BackendError("docker pull failed: no such host")

    return base_of(interpreter, [LAB_BASE], present.__contains__, pull)


@pytest.mark.parametrize("version", ["3.13", "3.13t", "3.12"])
def test_what_the_lab_has_built_comes_first(version: str) -> None:
    built = f"server-models-lab/base:python{version}"
    assert find(version, built, LAB_BASE, f"python:{version}-slim") == built


def test_the_configured_base_image_brings_the_version_in_its_name() -> None:
    assert find("3.13", LAB_BASE, "python:3.13-slim") == LAB_BASE


def test_a_registry_has_other_versions() -> None:
    assert find("3.12", "python:3.12-slim") == "python:3.12-slim"
    assert find("3.14", registry=("python:3.14-slim",)) == "python:3.14-slim"


def test_the_name_of_an_image_is_taken_as_it_is() -> None:
    assert find("mine/python:3.13t") == "mine/python:3.13t"


@pytest.mark.parametrize(
    ("interpreter", "names"),
    [
        ("3.13t", "server-models-lab/base:python3.13t"),
        ("3.12", "server-models-lab/base:python3.12 or python:3.12-slim"),
    ],
)
def test_what_is_missing_is_refused_with_the_command_that_builds_it(
    interpreter: str, names: str
) -> None:
    with pytest.raises(BackendError) as refused:
        find(interpreter, LAB_BASE)
    assert str(refused.value).startswith(
        f"interpreter {interpreter}: this engine does not have the base image {names}; build it "
        f"with: make interpreter PYTHON={interpreter}"
    )


@pytest.mark.parametrize(
    ("image", "version", "brings"),
    [
        ("python:3.13-slim", "3.13", True),
        ("python:3.13", "3.13", True),
        (LAB_BASE, "3.13", True),
        ("python:3.13.5-slim", "3.13", True),
        ("python:3.13-slim", "3.1", False),
        ("server-models-lab/base:python3.13t", "3.13", False),
        ("debian:13", "3.13", False),
    ],
)
def test_an_image_is_known_by_its_name(image: str, version: str, brings: bool) -> None:
    assert names_version(image, version) is brings
