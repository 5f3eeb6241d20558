"""Runs a server of the lab in a container of its own, and writes its log to the standard output.

``python -m orchestrator.explore.watch.container PID MODEL PORT``: PID is the process that starts
it, PORT that of loopback at which the server is published, any free one for 0. The first line says
where: `Published`. Settings are those of the environment, as of ``docker compose up MODEL``.

It gets SIGTERM when the process that started it ends, and removes the container then. If it is
killed as well, ``orchestrate.py clean`` does: the container carries its owner.
"""

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from docker.models.containers import Container

from labkit.server.supervisor import end_with_parent
from orchestrator.execution import interrupts
from orchestrator.execution.backend import SERVER_PORT, BackendError
from orchestrator.execution.docker.compose import Compose
from orchestrator.execution.docker.container import exit_code, published
from orchestrator.execution.docker.engine import (
    ENGINE_ERRORS,
    Engine,
    engine_failures,
    find_engine,
    remedy,
)
from orchestrator.execution.docker.images import provide_images
from orchestrator.execution.owner import claim
from orchestrator.explore.access import HOST
from orchestrator.results.exit_codes import INTERRUPTED, LabError

STOP_S = 4
"""Longer than the server takes to drain."""

SETTINGS = "LAB_"
_PUBLISHED = re.compile(r"published (\d{1,5}) (\d{1,7})\n?")


class Published(NamedTuple):
    """The server's port on this machine, and a process that has its network, 0 if none is known."""

    port: int
    pid: int

    def __str__(self) -> str:
        return f"published {self.port} {self.pid}"

    @classmethod
    def read(cls, line: str) -> "Published | None":
        """Return what ``line`` says, None if it is another line."""
        found = _PUBLISHED.fullmatch(line)
        return cls(int(found[1]), int(found[2])) if found else None


def main(words: Sequence[str]) -> int:
    """Run the server until it ends, or a signal; return its exit code."""
    pid, model, port = words
    end_with_parent(int(pid))
    interrupts.install()
    try:
        return _serve(model, port)
    except KeyboardInterrupt:
        return INTERRUPTED
    except LabError as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.exit_code


def _serve(model: str, port: str) -> int:
    """Run the server until it ends; return its exit code.

    Raises:
        BackendError: there is no engine, or it failed.
    """
    campaign_id = secrets.token_hex(4)
    claim(campaign_id, kept=False)
    engine, reason = find_engine()
    if engine is None:
        advice = f"{remedy(reason)}, or watch a process: leave out --backend"
        raise BackendError(f"{reason}; {advice}")
    project = f"lab-{campaign_id}-1"
    with engine_failures():
        image = provide_images(engine, [model])[model]
        try:
            _start(project, model, image, port)
            (container,) = engine.containers(project, model)
            return _follow(container)
        finally:
            with interrupts.held():
                _remove(engine, project)


def _start(project: str, model: str, image: str, port: str) -> None:
    override = f"""\
services:
  {model}:
    image: "{image}"
    ports: !override ["{HOST}:{port}:{SERVER_PORT}"]
"""
    settings = {name: text for name, text in os.environ.items() if name.startswith(SETTINGS)}
    with TemporaryDirectory(prefix="explore-") as folder:
        file = Path(folder) / "watch.yaml"
        file.write_text(override, encoding="utf-8")
        Compose(project, file, environment=settings).up(model)


def _follow(container: Container) -> int:
    """Write where the server is published, and its log until it ends; return its exit code."""
    out = sys.stdout.buffer
    with contextlib.suppress(BackendError):  # it has ended at once: its log says why
        where = Published(published(container, SERVER_PORT)[1], _pid_of(container))
        out.write(f"{where}\n".encode())
        out.flush()
    for part in container.logs(stdout=True, stderr=False, stream=True, follow=True):
        out.write(part)
        out.flush()
    sys.stderr.buffer.write(container.logs(stdout=False, stderr=True))
    return exit_code(container)


def _pid_of(container: Container) -> int:
    """Return a process of ``container``; 0 if this machine does not see it, as in a VM."""
    pid = int(container.attrs["State"]["Pid"])
    with contextlib.suppress(OSError):
        if str(container.id) in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"):
            return pid
    return 0


def _remove(engine: Engine, project: str) -> None:
    with contextlib.suppress(*ENGINE_ERRORS):
        for container in engine.containers(project):
            container.stop(timeout=STOP_S)
    engine.remove(project)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
