from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm.images import copy_images
from orchestrator.execution.swarm.registry import Pushed


class Images:
    """The images of an engine; a loaded one gets its own id, or ``other`` if that is set."""

    def __init__(self, *present: str, other: str | None = None) -> None:
        self._present = set(present)
        self._other = other
        self.loaded: list[str] = []

    def find_image(self, image: str) -> str | None:
        return image if image in self._present else None

    def packed_image(self, image: str) -> Iterator[bytes]:
        assert image in self._present
        yield image[:3].encode()
        yield image[3:].encode()

    def load_image(self, packed: Iterator[bytes]) -> None:
        image = b"".join(packed).decode()
        self.loaded.append(image)
        self._present.add(self._other or image)


def test_only_what_a_host_lacks_is_copied() -> None:
    builder: Any = Images("sha256:1", "sha256:2")
    first, second = Images("sha256:1"), Images()
    hosts: Any = {"first": first, "second": second}
    copy_images(["sha256:2", "sha256:1", "sha256:2"], builder, hosts)
    assert (first.loaded, second.loaded) == (["sha256:2"], ["sha256:1", "sha256:2"])
    copy_images(["sha256:2", "sha256:1"], builder, hosts)
    assert (len(first.loaded), len(second.loaded)) == (1, 2)


def test_a_copy_with_another_id_is_refused() -> None:
    builder: Any = Images("sha256:1")
    hosts: Any = {"odd": Images(other="sha256:9")}
    with pytest.raises(BackendError, match="odd: its engine gives a copy of the image sha256:1"):
        copy_images(["sha256:1"], builder, hosts)


class Carrier:
    """A registry that gives what was pushed to it."""

    def __init__(self) -> None:
        self.pushed: list[str] = []
        self.pulled: list[tuple[str, str]] = []

    def push(self, image: str, builder: Images) -> Pushed:
        self.pushed.append(b"".join(builder.packed_image(image)).decode())
        return Pushed(image, None)

    def pull(self, pushed: Pushed, host: str, engine: Images) -> None:
        self.pulled.append((pushed.digest, host))
        engine.load_image(iter([pushed.digest.encode()]))


def test_an_image_goes_through_the_registry_once_to_all_that_lack_it() -> None:
    builder: Any = Images("sha256:1", "sha256:2")
    hosts: Any = {"first": Images("sha256:1"), "second": Images(), "third": Images()}
    registry: Any = Carrier()
    copy_images(["sha256:2", "sha256:1"], builder, hosts, registry)
    assert registry.pushed == ["sha256:1", "sha256:2"]
    assert registry.pulled == [
        ("sha256:1", "second"), ("sha256:1", "third"),
        ("sha256:2", "first"), ("sha256:2", "second"), ("sha256:2", "third"),
    ]  # fmt: skip
    copy_images(["sha256:2", "sha256:1"], builder, hosts, registry)
    assert len(registry.pushed) == 2


def test_an_image_from_a_registry_with_another_id_is_refused() -> None:
    builder: Any = Images("sha256:1")
    hosts: Any = {"odd": Images(other="sha256:9")}
    registry: Any = Carrier()
    with pytest.raises(BackendError, match="odd: its engine gives a copy of the image sha256:1"):
        copy_images(["sha256:1"], builder, hosts, registry)
