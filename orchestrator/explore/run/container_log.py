"""The event log of a server in a container, while it grows: followed into memory.

So nothing is left of it, however this process ends.
"""

import contextlib
import os
import re
from pathlib import Path

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError
from orchestrator.execution.background import in_background
from orchestrator.execution.docker.engine import ENGINE_ERRORS, Engine, find_engine
from orchestrator.explore.run.observed import MOST_BYTES


class ContainerLogs:
    """Follows the servers of one campaign, one after another, until it is closed.

    Without an engine, or if it fails, no log is found: the run itself says what is wrong.
    """

    def __init__(self, campaign_id: str) -> None:
        self._projects = re.compile(rf"lab-{re.escape(campaign_id)}-([0-9]+)")
        self._engine: Engine | None = None
        self._files: dict[str, int] = {}
        self._followed: set[str] = set()

    def of(self, run: str, model: str) -> Path | None:
        """Return the log of the server of ``run``, None if its container does not run yet."""
        if run not in self._files:
            with contextlib.suppress(BackendError, *ENGINE_ERRORS):
                self._follow_new(run, model)
        return Path(f"/proc/self/fd/{self._files[run]}") if run in self._files else None

    def close(self) -> None:
        """Forget the logs."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def _follow_new(self, run: str, model: str) -> None:
        if self._engine is None:
            self._engine, _ = find_engine()
        container = self._engine and self._newest(self._engine, model)
        if container and container.id and container.id not in self._followed:
            self._followed.add(container.id)
            self._files[run] = follow(container)

    def _newest(self, engine: Engine, model: str) -> Container | None:
        """Return the container of the server in the newest project of the campaign."""
        found = [named for each in engine.projects() if (named := self._projects.fullmatch(each))]
        if not found:
            return None
        newest = max(found, key=lambda named: int(named[1]))
        running = [each for each in engine.containers(newest[0], model) if each.status == "running"]
        return running[0] if running else None


def follow(container: Container) -> int:
    """Begin to copy the output of ``container``, and return the descriptor of the copy.

    The copy ends with the container, or after `MOST_BYTES`, since no more is drawn.
    """
    kept = os.memfd_create(f"log of {container.id}")
    written = os.dup(kept)

    def copy() -> None:
        length = 0
        with contextlib.suppress(*ENGINE_ERRORS), os.fdopen(written, "wb", buffering=0) as file:
            for part in container.logs(stdout=True, stderr=False, stream=True, follow=True):
                file.write(part)
                length += len(part)
                if length > MOST_BYTES:
                    return

    in_background(copy)
    return kept
