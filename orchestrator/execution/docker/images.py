"""The lab's images: built once for each source, and found by their ids.

The tag of an image is the digest of its source (`image_source`). So a build that another checkout
does at the same time cannot replace an image that this one is about to measure, and no source is
built twice. Images have one project name in them, whichever campaign builds them.
"""

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from docker.models.images import Image

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.compose import (
    BUILD_DEADLINE_S,
    ENV_FILE,
    Compose,
    ComposeError,
    run_docker,
)
from orchestrator.execution.docker.engine import PROJECT_LABEL, Engine
from orchestrator.execution.docker.image_source import PROJECT, base_images, source_tag
from orchestrator.execution.docker.interpreters import OWN_BASE, base_of
from orchestrator.scenario.models import ROOT

DEFAULT_BASE = "python:3.13-slim"
"""The base image of compose.yaml."""

BASE_ARGUMENT = "BASE_IMAGE"
ON = " on "
"""Between a model and its interpreter in the name of an image."""

ENV_FILE_SETTINGS = ("COMPOSE_ENV_FILES", "COMPOSE_DISABLE_ENV_FILE")

_PROJECTS = re.compile(rf"{PROJECT}|lab-(test-)?[0-9a-f]{{8}}")
"""The projects of the lab's builds; older versions built under the name of the campaign."""


def lab_images(engine: Engine) -> list[Image]:
    """Return the images that the lab has built, those without a tag as well."""
    return [image for image in engine.images() if _PROJECTS.fullmatch(image.labels[PROJECT_LABEL])]


def remove_tags(engine: Engine, image: Image) -> bool:
    """Remove the lab's tags of ``image``, and it with the last; False if a container uses it."""
    ours = [tag for tag in image.tags if tag.startswith(f"{PROJECT}/")]
    names = ours if image.tags else [str(image.id)]
    return all(engine.remove_image(name) for name in names)


def provide_images(
    engine: Engine, names: Sequence[str], interpreter: str | None = None
) -> dict[str, str]:
    """Return the ids of the images of the services ``names``; build those that are missing.

    They are based on an image that brings ``interpreter``, or on the one of compose.yaml.

    Raises:
        BackendError: a base image is missing, a build failed, or sources changed meanwhile.
    """
    services = Compose(PROJECT).services(*names)
    if interpreter is not None:
        base = base_of(
            interpreter,
            _bases(services),
            lambda image: engine.find_image(image) is not None,
            lambda image: _pull(engine, image),
        )
        services = {name: _based_on(base, service) for name, service in services.items()}
    for base in sorted(_bases(services)):
        _provide_base(engine, base, interpreter)
    tags = _tags(engine, services)
    missing = {name: tag for name, tag in tags.items() if engine.find_image(tag) is None}
    if missing:
        builds = {name: tag for name, tag in missing.items() if "build" in services[name]}
        _build(engine, builds, None if interpreter is None else base)
        if _tags(engine, services) != tags:
            for tag in missing.values():  # it may have files of both states
                engine.remove_image(tag)
            raise BackendError("the sources changed while the images were built; run it again")
    ids = {name: engine.find_image(tag) for name, tag in tags.items()}
    absent = [tags[name] for name, found in ids.items() if found is None]
    if absent:
        raise BackendError(
            f"this engine does not have {', '.join(absent)} after the build; "
            "is another builder in use (BUILDX_BUILDER, docker buildx ls)?"
        )
    return {name: found for name, found in ids.items() if found is not None}


def image_name(model: str, interpreter: str | None) -> str:
    """Return the name of the image of a model on ``interpreter`` in the results."""
    return model if interpreter is None else f"{model}{ON}{interpreter}"


def _based_on(base: str, service: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``service`` with another base image."""
    if "build" not in service:
        return dict(service)
    build = service["build"]
    return {**service, "build": {**build, "args": {**build.get("args", {}), BASE_ARGUMENT: base}}}


def _bases(services: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the base images of ``services``."""
    builds = [service["build"] for service in services.values() if "build" in service]
    return {
        base
        for build in builds
        for base in base_images(_dockerfile(build).read_text("utf-8"), build.get("args") or {})
    }


def _dockerfile(build: Mapping[str, Any]) -> Path:
    return ROOT / str(build.get("dockerfile", "Dockerfile"))


def _tags(engine: Engine, services: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the tag of each service: that of its source, or of the image that it names."""
    return {
        name: source_tag(name, service["build"], ROOT, engine.find_image)
        if "build" in service
        else str(service["image"])
        for name, service in services.items()
    }


def _build(engine: Engine, tags: Mapping[str, str], base: str | None = None) -> None:
    """Build services under their ``tags``, on ``base`` unless it is None."""
    build = {} if base is None else {"build": {"args": {BASE_ARGUMENT: base}}}
    images = {"services": {name: {"image": tag, **build} for name, tag in tags.items()}}
    with tempfile.TemporaryDirectory(prefix="server-models-lab-") as folder:
        override = Path(folder) / "images.yaml"
        override.write_text(yaml.safe_dump(images), encoding="utf-8")
        try:
            Compose(PROJECT, override, is_alive=engine.answers).build(*tags)
        except BackendError as exc:
            raise BackendError(f"the images could not be built\n{exc}") from exc


def _provide_base(engine: Engine, base: str, interpreter: str | None = None) -> None:
    """Pull a base image that the engine lacks, so that its id is known before the build.

    Raises:
        BackendError: it cannot be pulled.
    """
    if base == "scratch" or engine.find_image(base) is not None:
        return
    try:
        _pull(engine, base)
    except ComposeError as exc:
        is_named = base == interpreter
        advice = "correct interpreter in the scenario" if is_named else _base_advice(base)
        raise BackendError(
            f"this engine does not have the base image {base}, and cannot pull it; {advice}\n{exc}"
        ) from exc


def _pull(engine: Engine, image: str) -> None:
    run_docker(["pull", "--quiet", image], timeout_s=BUILD_DEADLINE_S, is_alive=engine.answers)


def _base_advice(base: str) -> str:
    """Return what to do about a base image that is missing."""
    ignored = [name for name in ENV_FILE_SETTINGS if os.environ.get(name)]
    remark = f"; {' and '.join(ignored)} is not used here" if ignored else ""
    if base == DEFAULT_BASE or base.startswith(OWN_BASE):
        return f"without a registry, run: make base-image (it writes to {ENV_FILE}){remark}"
    return (
        f"correct BASE_IMAGE in the environment or in {ENV_FILE}, or remove it and run: "
        f"make base-image{remark}"
    )
