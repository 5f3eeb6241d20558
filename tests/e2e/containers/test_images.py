"""The contents of every server's image: the base image, and the Python files of one model."""

import json
import tarfile
from pathlib import Path, PurePosixPath

import pytest

from orchestrator.execution.docker.compose import run_docker
from orchestrator.execution.docker.engine import Engine
from tests.e2e.containers.project_fixtures import MODELS, Project

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.together]

DEADLINE_S = 120


@pytest.fixture(scope="module")
def base_layers(engine: Engine) -> int:
    """Return the number of layers of the base image."""
    services = Project(engine).services()
    (base,) = {services[model]["build"]["args"]["BASE_IMAGE"] for model in MODELS}
    layers = run_docker(
        ["image", "inspect", "--format", "{{len .RootFS.Layers}}", base], timeout_s=DEADLINE_S
    )
    return int(layers)


@pytest.fixture(scope="module")
def added_files(
    tmp_path_factory: pytest.TempPathFactory, images: dict[str, str], base_layers: int
) -> dict[str, list[tarfile.TarInfo]]:
    """Return the files in the layers above the base image's, by model."""
    archive = tmp_path_factory.mktemp("images") / "images.tar"
    run_docker(["save", "--output", str(archive), *images.values()], timeout_s=DEADLINE_S)
    layers = layers_by_tag(archive)
    return {
        model: files_in(archive, layers[f"{tag}:latest"][base_layers:])
        for model, tag in images.items()
    }


def layers_by_tag(archive: Path) -> dict[str, list[str]]:
    """Return the names of each saved image's layers, bottom first."""
    with tarfile.open(archive) as images:
        manifest = images.extractfile("manifest.json")
        assert manifest is not None
        return {tag: image["Layers"] for image in json.load(manifest) for tag in image["RepoTags"]}


def files_in(archive: Path, layers: list[str]) -> list[tarfile.TarInfo]:
    """Return the files, links and devices in the layers of a saved image."""
    files: list[tarfile.TarInfo] = []
    with tarfile.open(archive) as images:
        for name in layers:
            with tarfile.open(fileobj=images.extractfile(name)) as layer:
                files += [entry for entry in layer if not entry.isdir()]
    return files


@pytest.mark.parametrize("model", MODELS)
def test_only_python_files_are_added(
    model: str, added_files: dict[str, list[tarfile.TarInfo]]
) -> None:
    assert [file.name for file in added_files[model] if not file.name.endswith(".py")] == []


@pytest.mark.parametrize("model", MODELS)
def test_an_image_holds_only_its_own_model(
    model: str, added_files: dict[str, list[tarfile.TarInfo]]
) -> None:
    folders = {PurePosixPath(file.name).parent.parts for file in added_files[model]}
    assert {parts[:2] for parts in folders} == {("lab", "labkit"), ("lab", "services")}
    assert [parts for parts in folders if "services" in parts] == [("lab", "services", model)]


@pytest.mark.parametrize("model", MODELS)
def test_an_image_runs_as_nobody_by_default(model: str, images: dict[str, str]) -> None:
    user = run_docker(
        ["image", "inspect", "--format", "{{.Config.User}}", images[model]], timeout_s=DEADLINE_S
    )
    assert user.strip() == "65534:65534"


@pytest.mark.parametrize("model", MODELS)
def test_its_user_can_read_it_whatever_the_umask_of_the_clone(
    model: str, added_files: dict[str, list[tarfile.TarInfo]]
) -> None:
    """`COPY` keeps file modes, and with a strict umask only the owner can read them."""
    assert {(file.uid, file.gid) for file in added_files[model]} == {(65534, 65534)}
