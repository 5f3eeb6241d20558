"""The source of an image: a digest of all that its build reads.

The digest is the image's tag, so two checkouts with different sources never share one, and a build
that has been done is not repeated. It covers the build as Compose resolves it, the Dockerfile, the
ids of the base images, and the mode and content of every file that `.dockerignore` lets in.
"""

import hashlib
import json
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from docker.utils.build import PatternMatcher

TAG_CHARS = 16
PROJECT = "server-models-lab"
"""The project of every build: Compose writes it into the image, and so into the digest."""

_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.MULTILINE | re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:(?P<bare>\w+)|\{(?P<braced>\w+)(?::-[^}]*)?\})")


def repository(service: str) -> str:
    """Return the repository of a service's image."""
    return f"{PROJECT}/{service}"


def source_tag(
    service: str, build: Mapping[str, Any], root: Path, image_id: Callable[[str], str | None]
) -> str:
    """Return the tag of ``service``, whose ``build`` is as ``docker compose config`` prints it.

    ``image_id`` returns the id of an image, None if the engine has none of that name.
    """
    dockerfile = (root / build.get("dockerfile", "Dockerfile")).read_bytes()
    bases = sorted(base_images(dockerfile.decode(errors="replace"), build.get("args") or {}))
    settings = {name: value for name, value in build.items() if name != "context"}
    digest = hashlib.sha256()
    digest.update(json.dumps([settings, [(base, image_id(base)) for base in bases]]).encode())
    digest.update(hashlib.sha256(dockerfile).digest())
    for path in context_files(root):
        name = str(path.relative_to(root))
        digest.update(json.dumps([name, stat.S_IMODE(path.stat().st_mode)]).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{repository(service)}:source-{digest.hexdigest()[:TAG_CHARS]}"


def base_images(dockerfile: str, arguments: Mapping[str, str | None]) -> set[str]:
    """Return the images that a Dockerfile begins with, with its build ``arguments`` filled in."""
    named = {_fill_in(word, arguments) for word in _FROM.findall(dockerfile)}
    return {name for name in named if "$" not in name}


def _fill_in(word: str, arguments: Mapping[str, str | None]) -> str:
    def value(match: re.Match[str]) -> str:
        return arguments.get(match["braced"] or match["bare"]) or match[0]

    return _VARIABLE.sub(value, word)


def context_files(root: Path) -> Iterator[Path]:
    """Yield the files that `.dockerignore` lets into a build, sorted.

    Only folders that it names are searched if it is an allowlist, since results and environments
    of a checkout can have many files.
    """
    ignored = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in ignored if line.strip() and not line.startswith("#")]
    matcher = PatternMatcher(patterns)
    tops = {pattern[1:].split("/")[0] for pattern in patterns if pattern.startswith("!")}
    folders = {folder for top in (tops if "*" in patterns else {"*"}) for folder in root.glob(top)}
    found = {path for folder in folders for path in (folder, *folder.rglob("*"))}
    for path in sorted(found):
        name = str(path.relative_to(root))
        if path.is_file() and not matcher.matches(name):  # type: ignore[arg-type]
            yield path
