"""A swarm whose engines are reached as those of other machines: by TLS, and through a real sshd.

What is started here runs in the namespaces of an engine, and ends with them.
"""

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance import ROOT
from orchestrator.execution.docker.compose import Compose
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.docker.image_source import PROJECT
from orchestrator.execution.docker.images import provide_images
from orchestrator.execution.program_log import wait_for
from tests.certificate_fixtures import issue, make_authority
from tests.e2e.swarm.swarm_fixtures import Swarm, docker, started

FIRST, SECOND = "10.213.7.1", "10.213.7.2"
TLS_PORT = 2376
READY_DEADLINE_S = 20.0
SYSTEM_CONFIG = "/etc/ssh/ssh_config"
SSHD_CONFIG = """\
Port 22
HostKey {folder}/host
AuthorizedKeysFile /run/sshd/own.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
PidFile none
"""
SSH_CONFIG = """\
IdentityFile {folder}/{key}
IdentitiesOnly yes
UserKnownHostsFile {folder}/known_hosts
"""


class Remote:
    """A swarm with certificates, keys and what ssh on its first machine is to know."""

    def __init__(self, swarm: Swarm, folder: Path) -> None:
        self.swarm = swarm
        self.folder = folder

    @property
    def certificates(self) -> Path:
        """The folder of the CA that both engines trust, and of a certificate of it."""
        return self.folder / "certificates"

    def write_hosts(self, engines: Mapping[str, str]) -> Path:
        """Return a hosts file with these ``engines``, of which the first runs the server only."""
        path = self.folder / "remote.hosts.yaml"
        path.write_text(
            "hosts:\n" + "".join(f"  {name}: {{{engines[name]}}}\n" for name in engines)
        )
        return path

    def let_ssh_use(self, key: str, host_key: str | None) -> None:
        """Let ssh on the first machine use ``key``, and know ``host_key`` of the second."""
        known = self.folder / "known_hosts"
        known.write_text("" if host_key is None else f"{SECOND} {self._public(host_key)}\n")
        (self.folder / "config").write_text(SSH_CONFIG.format(folder=self.folder, key=key))

    def _public(self, key: str) -> str:
        return " ".join((self.folder / f"{key}.pub").read_text().split()[:2])


def tls(address: str, certificates: Path) -> str:
    """Return a host of a hosts file that is reached by TLS."""
    return f"engine: 'tcp://{address}:{TLS_PORT}', tls: '{certificates}'"


def through_ssh(user: str = "root") -> str:
    """Return the second host, reached through ssh."""
    return f"engine: 'ssh://{user}@{SECOND}'"


@contextlib.contextmanager
def remote_swarm(folder: Path, engine: Engine) -> Iterator[Remote]:
    """Start it in ``folder``, with the images that ``engine`` has for small runs."""
    authority = make_authority(folder / "authority")
    certificates = issue(authority, folder / "certificates", FIRST, SECOND)
    for name in ("host", "own", "stranger"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    with started(folder / "s", "--tls", str(certificates)) as swarm:
        found = Remote(swarm, folder)
        found.let_ssh_use("own", "host")
        run(*swarm.within(1), "mount", "--bind", str(folder / "config"), SYSTEM_CONFIG)
        load_what_builds(swarm, engine)
        with _sshd(found):
            yield found


@contextlib.contextmanager
def _sshd(remote: Remote) -> Iterator[None]:
    """Run sshd on the second machine."""
    config, log = remote.folder / "sshd_config", remote.folder / "sshd.log"
    config.write_text(SSHD_CONFIG.format(folder=remote.folder))
    program = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    # Any user of the second machine may read the key there.
    copy = f"mkdir -p /run/sshd && cp {remote.folder}/own.pub /run/sshd"
    begin = f"{copy} && exec {program} -D -e -f {config}"
    with log.open("wb") as said:
        sshd = subprocess.Popen(
            [*remote.swarm.within(2), "sh", "-c", begin],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        assert wait_for(lambda: "Server listening" in log.read_text(), READY_DEADLINE_S)
        yield
    finally:
        sshd.kill()  # what it leads to ends with the namespaces
        sshd.wait()


def load_what_builds(swarm: Swarm, engine: Engine) -> None:
    """Give the first machine the images of small runs, and the base on which it may build them."""
    ids = provide_images(engine, ["client", "epoll"])
    base = Compose(PROJECT).services("client")["client"]["build"]["args"]["BASE_IMAGE"]
    tags = [tag for image in ids.values() for tag in _tags_of(image)]
    swarm.docker(1, "load", given=docker("save", base, *tags))


def _tags_of(image: str) -> list[str]:
    form = '{{join .RepoTags " "}}'
    return docker("image", "inspect", "--format", form, image).decode().split()


def run(*words: str) -> None:
    """Run a command from the root of the checkout."""
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
