"""The lab's containers, started by Compose in a separate project for each test."""

import json
import os
import re
import subprocess
import uuid
from typing import Any

from docker.models.containers import Container
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from conformance import ROOT, discover_models
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.docker.image_source import PROJECT

MODELS = discover_models()
COMMAND_DEADLINE_S = 280
LOG_DEADLINE_S = 20
POLL_S = 0.02


class Project:
    """``docker compose`` with a unique project name; published ports are free ports.

    Images are built under the project name of compose.yaml, which is a label of an image: with a
    name of its own, each test would leave images that differ in nothing else.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = f"lab-test-{uuid.uuid4().hex[:8]}"

    def build(self, *services: str) -> None:
        """Build the images of ``services``."""
        self._run(PROJECT, "build", *services)

    def compose(self, *arguments: str, **settings: str) -> str:
        """Run a Compose command with ``settings`` in its environment and return its stdout."""
        return self._run(self.name, *arguments, **settings)

    def _run(self, project: str, *arguments: str, **settings: str) -> str:
        command = ["docker", "compose", "--project-name", project, "--profile", "*", *arguments]
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env=_environment(settings),
            capture_output=True,
            text=True,
            timeout=COMMAND_DEADLINE_S,
            check=False,
        )
        assert ended.returncode == 0, f"{' '.join(command)} failed:\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def services(self) -> dict[str, dict[str, Any]]:
        """Return the services of compose.yaml as Compose resolves them."""
        config = json.loads(self.compose("config", "--format", "json"))
        services: dict[str, dict[str, Any]] = config["services"]
        return services

    def up(self, model: str, **settings: str) -> Container:
        """Start a server, and return it when Compose reports it healthy."""
        free_port = {f"LAB_{model.upper()}_PORT": "0"}
        self.compose("up", "--detach", "--no-build", "--wait", model, **(free_port | settings))
        (container,) = self.containers(model)
        container.reload()
        return container

    def containers(self, service: str) -> list[Container]:
        """Return the containers of a service, ended ones too, by number."""
        return self._engine.containers(self.name, service)

    def remove(self) -> None:
        """Remove everything in the project."""
        self.compose("down", "--volumes", "--remove-orphans")


def address(container: Container) -> tuple[str, int]:
    """Return the server's address on the host."""
    published = (container.ports["3000/tcp"] or [])[0]
    return published["HostIp"], int(published["HostPort"])


def log_with(container: Container, pattern: str, times: int = 1) -> str:
    """Return the container's log when it matches ``pattern`` at least ``times`` times."""

    def log() -> str:
        return container.logs().decode()

    waiting = Retrying(
        retry=retry_if_result(lambda text: len(re.findall(pattern, text)) < times),
        stop=stop_after_delay(LOG_DEADLINE_S),
        wait=wait_fixed(POLL_S),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )
    text: str = waiting(log)
    assert len(re.findall(pattern, text)) >= times, f"not {times} x {pattern!r} in:\n{text}"
    return text


def _environment(settings: dict[str, str]) -> dict[str, str]:
    """Return this environment with ``settings`` as its only ``LAB_`` variables."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("LAB_")}
    return inherited | settings
