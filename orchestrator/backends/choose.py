"""Which backend a campaign gets, and why."""

from orchestrator.backends.base import Backend, BackendError
from orchestrator.backends.docker import DockerBackend
from orchestrator.backends.process import ProcessBackend
from orchestrator.engine import find_engine


def choose_backend(asked: str, campaign_id: str, *, keep: bool) -> tuple[Backend, str]:
    """Return the backend for ``auto``, ``docker`` or ``process``, and the reason to show.

    Raises:
        BackendError: Docker is asked for, or kept containers are, and no engine answers.
    """
    if asked == "process":
        if keep:
            raise BackendError("--keep leaves containers up, and --backend process has none")
        return ProcessBackend(), "asked for"
    engine, found = find_engine()
    if engine is not None:
        return DockerBackend(engine, campaign_id, keep=keep), found
    if asked == "docker" or keep:
        raise BackendError(
            f"{found}; start one (as root: make engine base-image), "
            "or leave containers out with --backend process"
        )
    return ProcessBackend(), f"{found}; plain local processes instead of containers"
