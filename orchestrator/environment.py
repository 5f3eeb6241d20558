"""Where and with what a campaign ran, for `environment.json`: what explains a difference."""

import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("docker", "jinja2", "lark", "pydantic", "pyyaml", "rich", "tenacity")


def describe_host(backend: Mapping[str, object]) -> dict[str, object]:
    """Return the host's kernel, CPUs and memory, our versions and revision, and the backend's."""
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "git_revision": _git("rev-parse", "HEAD"),
        "git_modified": bool(_git("status", "--porcelain")),
        "backend": dict(backend),
    }


def _git(*arguments: str) -> str | None:
    """Return what git says, or None where this is no checkout."""
    try:
        said = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
