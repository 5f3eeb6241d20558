from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.swarm.images import copy_images


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
