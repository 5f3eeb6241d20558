"""Certificates as ``openssl`` makes them, for tests of what is reached by TLS."""

import shutil
import subprocess
from pathlib import Path

from orchestrator.execution.docker.endpoint import CA, CERTIFICATE, KEY
from tests.requirement_fixtures import do_without

_NEW = (
    *("req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"),
    *("-pkeyopt", "ec_paramgen_curve:prime256v1"),
)


def make_authority(folder: Path) -> Path:
    """Make a CA in the new ``folder``; return the folder."""
    if shutil.which("openssl") is None:
        do_without("LAB_REQUIRE_DOCKER", "there is no openssl command")
    folder.mkdir()
    _openssl("-keyout", folder / "ca-key.pem", "-out", folder / CA, "-subj", f"/CN={folder.name}")
    return folder


def issue(authority: Path, folder: Path, *addresses: str) -> Path:
    """Make, in the new ``folder``, a certificate of ``authority`` for IP ``addresses``."""
    folder.mkdir()
    shutil.copy(authority / CA, folder / CA)
    names = ",".join(f"IP:{address}" for address in addresses)
    _openssl(
        *("-keyout", folder / KEY, "-out", folder / CERTIFICATE, "-subj", "/CN=lab"),
        *("-CA", authority / CA, "-CAkey", authority / "ca-key.pem"),
        *("-addext", "basicConstraints=CA:FALSE", "-addext", f"subjectAltName={names}"),
    )
    return folder


def _openssl(*words: str | Path) -> None:
    command = ["openssl", *_NEW, *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stderr
