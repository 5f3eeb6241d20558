"""The lab's images on all hosts: what one lacks is copied through the engines' own API."""

from collections.abc import Iterable, Mapping

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import Engine


def copy_images(images: Iterable[str], builder: Engine, hosts: Mapping[str, Engine]) -> None:
    """Copy the images of these ids from ``builder`` to each of ``hosts`` that lacks them.

    Raises:
        BackendError: an engine gives the copy another id.
    """
    for image in sorted(set(images)):
        for name, engine in hosts.items():
            if engine.find_image(image) == image:
                continue
            engine.load_image(builder.packed_image(image))
            if engine.find_image(image) != image:
                raise BackendError(
                    f"{name}: its engine gives a copy of the image {image} another id, so the "
                    "hosts would not run the same; do both engines store images the same way "
                    "(docker info)?"
                )
