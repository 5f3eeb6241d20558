"""Images are built once for each source, and what a build cannot do is explained."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker import images
from orchestrator.execution.docker.compose import Compose, ComposeError
from orchestrator.execution.docker.engine import PROJECT_LABEL, Engine
from orchestrator.execution.docker.images import lab_images, provide_images, remove_tags

BASE = "python:3.13-slim"


class FakeEngine:
    """The images of an engine, by their tags, and what was removed."""

    def __init__(self, *tags: str) -> None:
        self.tags = {tag: f"sha256:{tag}" for tag in tags}
        self.built: list[tuple[str, ...]] = []
        self.used: set[str] = set()

    def find_image(self, tag: str) -> str | None:
        return self.tags.get(tag)

    def remove_image(self, name: str) -> bool:
        if name in self.used:
            return False
        self.tags.pop(name, None)
        return True

    def answers(self) -> bool:
        return True


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Return an engine with the base image; Compose builds what it is asked for."""
    engine = FakeEngine(BASE)
    build = {"dockerfile": "services/epoll/Dockerfile", "args": {"BASE_IMAGE": BASE}}

    def services(_: Compose, *names: str) -> dict[str, Any]:
        return {name: {"build": build} for name in names}

    def build_images(_: object, tags: dict[str, str], _base: str | None) -> None:
        engine.built.append(tuple(tags))
        engine.tags |= {tag: f"sha256:{tag}" for tag in tags.values()}

    monkeypatch.setattr(Compose, "services", services)
    monkeypatch.setattr(images, "_build", build_images)
    return engine


def provide(engine: FakeEngine, *names: str) -> dict[str, str]:
    return provide_images(engine, names)  # type: ignore[arg-type]


def test_what_has_been_built_is_not_built_again(engine: FakeEngine) -> None:
    first = provide(engine, "epoll", "client")
    assert provide(engine, "epoll", "client") == first
    assert engine.built == [("epoll", "client")]
    assert first["epoll"].startswith("sha256:server-models-lab/epoll:source-")


def test_sources_that_change_during_the_build_are_not_measured(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = iter("ab")
    monkeypatch.setattr(images, "_tags", lambda *_: {"epoll": f"epoll:{next(states)}"})
    with pytest.raises(BackendError, match="sources changed while"):
        provide(engine, "epoll")
    assert set(engine.tags) == {BASE}


def test_an_image_that_a_build_leaves_elsewhere_is_missed(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_build", lambda *_: None)
    with pytest.raises(BackendError, match=r"epoll:source-\w+ after the build.*BUILDX_BUILDER"):
        provide(engine, "epoll")


def refuse(*_: object, **__: object) -> str:
    raise ComposeError("docker pull failed:\nno such host")


def test_a_base_image_that_cannot_be_pulled_is_named_with_the_remedy(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.tags.clear()
    monkeypatch.setattr(images, "run_docker", refuse)
    monkeypatch.setenv("COMPOSE_DISABLE_ENV_FILE", "1")
    with pytest.raises(BackendError) as failed:
        provide(engine, "epoll")
    for words in (
        BASE,
        "make base-image",
        ".env",
        "COMPOSE_DISABLE_ENV_FILE is not used",
        "no such",
    ):
        assert words in str(failed.value)


def test_only_the_default_base_image_is_one_to_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "run_docker", refuse)
    with pytest.raises(BackendError, match="correct BASE_IMAGE in the environment or"):
        images._provide_base(FakeEngine(), "mine:1")  # type: ignore[arg-type]  # noqa: SLF001


def test_a_failed_build_is_not_blamed_on_the_base_image(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ComposeError("no space left on device")

    monkeypatch.setattr(Compose, "build", fail)
    with pytest.raises(BackendError) as failed:
        images._build(FakeEngine(), {"epoll": "epoll:1"})  # type: ignore[arg-type]  # noqa: SLF001
    assert str(failed.value) == "the images could not be built\nno space left on device"


def test_a_build_gives_each_image_the_tag_of_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def build(compose: Compose, *services: str) -> None:
        override = Path(compose._options[-1])  # noqa: SLF001
        seen.extend([*services, override.read_text(), compose._options[2]])  # noqa: SLF001

    monkeypatch.setattr(Compose, "build", build)
    engine: Engine = FakeEngine()  # type: ignore[assignment]
    images._build(engine, {"epoll": "server-models-lab/epoll:source-1"})  # noqa: SLF001
    services, override, project = seen
    assert services == "epoll"
    assert "image: server-models-lab/epoll:source-1" in override
    assert project == "server-models-lab"


def image(project: str, *tags: str) -> Any:  # noqa: ANN401 a stand-in for the SDK's
    return SimpleNamespace(id="sha256:9", tags=list(tags), labels={PROJECT_LABEL: project})


def test_the_lab_s_images_are_known_by_the_project_that_built_them() -> None:
    ours = [image("server-models-lab"), image("lab-0badcafe"), image("lab-test-0badcafe")]
    others = [image("shop"), image("lab-report"), image("server-models-lab-2")]
    engine = SimpleNamespace(images=lambda: [*ours, *others])
    assert lab_images(engine) == ours  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "kept"),
    [
        (("server-models-lab/epoll:source-1", "server-models-lab/epoll:latest"), set()),
        (("server-models-lab/epoll:latest", "mine:1"), {"mine:1"}),
    ],
)
def test_a_tag_of_the_user_s_own_is_not_removed(tags: tuple[str, ...], kept: set[str]) -> None:
    engine = FakeEngine(*tags)
    assert remove_tags(engine, image("server-models-lab", *tags))  # type: ignore[arg-type]
    assert set(engine.tags) == kept


def test_an_image_without_a_tag_is_removed_by_its_id_unless_it_is_used() -> None:
    engine = FakeEngine("sha256:9")
    typed: Engine = engine  # type: ignore[assignment]
    engine.used = {"sha256:9"}
    assert not remove_tags(typed, image("lab-0badcafe"))
    engine.used = set()
    assert remove_tags(typed, image("lab-0badcafe"))
    assert engine.tags == {}
