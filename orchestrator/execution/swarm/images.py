"""The lab's images on all hosts: what one lacks is copied, through the engines' own API."""

from collections.abc import Iterable, Mapping

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.swarm.registry import Registry


def copy_images(
    images: Iterable[str],
    builder: Engine,
    hosts: Mapping[str, Engine],
    registry: Registry | None = None,
) -> None:
    """Copy the images of these ids from ``builder`` to each of ``hosts`` that lacks them.

    They go through ``registry``, or else through this process.

    Raises:
        BackendError: an engine gives the copy another id, or the registry fails.
    """
    for image in sorted(set(images)):
        lacking = {name: each for name, each in hosts.items() if each.find_image(image) != image}
        pushed = registry.push(image, builder) if registry is not None and lacking else None
        for name, engine in lacking.items():
            if registry is not None and pushed is not None:
                registry.pull(pushed, name, engine)
            else:
                engine.load_image(builder.packed_image(image))
            if engine.find_image(image) != image:
                raise BackendError(
                    f"{name}: its engine gives a copy of the image {image} another id, so the "
                    "hosts would not run the same; do both engines store images the same way "
                    "(docker info)?"
                )
