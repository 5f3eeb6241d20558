"""The base images that bring a scenario's interpreter: found, pulled, or refused by name.

``make interpreter PYTHON=3.13t`` builds one from Debian's source package. That one comes first, so
that interpreters which were built in the same way are compared.
"""

from collections.abc import Callable, Collection

from orchestrator.execution.backend import BackendError
from orchestrator.scenario.versions import is_free_threaded, is_version

OWN_BASE = "server-models-lab/base"
"""The repository of the base images that the lab builds."""


def base_of(
    interpreter: str,
    configured: Collection[str],
    is_present: Callable[[str], bool],
    pull: Callable[[str], None],
) -> str:
    """Return the base image that brings ``interpreter``; it may have to be pulled.

    ``configured`` are the base images of compose.yaml, ``is_present`` says whether the engine has
    an image, and ``pull`` gets one.

    Raises:
        BackendError: there is none; with the command that builds it.
    """
    if not is_version(interpreter):
        return interpreter
    built, official = f"{OWN_BASE}:python{interpreter}", f"python:{interpreter}-slim"
    if is_present(built):
        return built
    if is_free_threaded(interpreter):  # no registry of Docker has an official one
        raise BackendError(_absent(interpreter, built))
    for base in configured:
        if names_version(base, interpreter):
            return base
    if not is_present(official):
        try:
            pull(official)
        except BackendError as exc:
            raise BackendError(f"{_absent(interpreter, f'{built} or {official}')}\n{exc}") from exc
    return official


def names_version(image: str, version: str) -> bool:
    """Whether an image has a version of Python in its name: ``python:3.13-slim``."""
    _, is_named, rest = image.replace(":", "").rpartition(f"python{version}")
    return bool(is_named) and not rest[:1].isdigit() and rest[:1] != "t"


def _absent(interpreter: str, names: str) -> str:
    return (
        f"interpreter {interpreter}: this engine does not have the base image {names}; build it "
        f"with: make interpreter PYTHON={interpreter} (or write the name of an image with that "
        "Python as the interpreter)"
    )
