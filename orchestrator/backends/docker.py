"""The Docker backend: each case in containers of a Compose project of its own.

Server, conductor and replicas start in one ``compose up``; the replicas wait at the conductor, so
what Compose takes to start them all is no part of what is measured.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from orchestrator.backends.base import (
    BackendError,
    Needs,
    StageOrder,
)
from orchestrator.backends.docker_stage import DockerStage
from orchestrator.backends.docker_target import image_id
from orchestrator.backends.toxics import SERVICE
from orchestrator.compose import Compose
from orchestrator.engine import Engine, engine_failures
from orchestrator.interrupts import held, is_interrupted

BUILD_DEADLINE_S = 900.0
IMAGE = "server-models-lab/{}"


class DockerBackend:
    """Runs every program in a container on the engine that answered."""

    name = "docker"

    def __init__(self, engine: Engine, campaign_id: str, *, keep: bool) -> None:
        self._engine = engine
        self._campaign_id = campaign_id
        self._keep = keep
        self._projects: list[str] = []
        self._images: dict[str, str] = {}

    def prepare(self, needs: Needs) -> None:
        """Build the images that are ours, where sources changed; find the target's.

        Cases then run by image id: another checkout on this engine may move the tags meanwhile.

        Raises:
            BackendError: the build failed, or the target is not to be had here.
        """
        target = needs.target
        if target is not None and target.image is None:
            raise BackendError(f"{target.name} is no image; use --backend process")
        names = [*needs.models, "client", *([SERVICE] if needs.is_proxied else [])]
        try:
            Compose(f"lab-{self._campaign_id}").run("build", *names, timeout_s=BUILD_DEADLINE_S)
        except BackendError as exc:
            raise BackendError(
                f"the images could not be built; without a registry, run: make base-image\n{exc}"
            ) from exc
        with engine_failures():
            self._images = self._engine.image_ids({name: IMAGE.format(name) for name in names})
            if target is not None and target.image is not None:
                self._images |= image_id(self._engine, target.name, target.image)

    def describe(self) -> Mapping[str, object]:
        """Return the engine's versions and the digest of every image in use."""
        with engine_failures():
            return {**self._engine.describe(), "images": dict(self._images)}

    @contextmanager
    def stage(self, order: StageOrder) -> Iterator[DockerStage]:
        """Bring a project up and, unless it is to be kept, remove it on exit."""
        project = f"lab-{self._campaign_id}-{len(self._projects) + 1}"
        self._projects.append(project)
        stage = DockerStage(self._engine, project, order, self._images)
        with engine_failures():
            try:
                stage.start()
                yield stage
            finally:
                with held():
                    stage.drop_probes()
                    stage.rescue_logs()
                    self._leave(project, stage)

    def _leave(self, project: str, stage: DockerStage) -> None:
        if self._keeps:
            stage.revive()
        else:
            self._engine.remove(project)

    @property
    def _keeps(self) -> bool:
        return self._keep and not is_interrupted()

    def close(self) -> None:
        """Remove every container and network of the campaign, unless they are to be kept."""
        with held(), engine_failures():
            for project in () if self._keeps else self._projects:
                self._engine.remove(project)

    @property
    def kept(self) -> tuple[str, ...]:
        """The Compose projects left up for a look."""
        return tuple(self._projects) if self._keeps else ()
