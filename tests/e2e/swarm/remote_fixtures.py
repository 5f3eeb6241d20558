"""A swarm whose engines are reached as those of other machines: by TLS, and through a real sshd.

What is started here runs in the namespaces of an engine, and ends with them.
"""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from conformance import ROOT
from orchestrator.execution.docker.compose import Compose
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.docker.image_source import PROJECT
from orchestrator.execution.docker.images import provide_images
from orchestrator.execution.program_log import wait_for
from tests.certificate_fixtures import issue, make_authority
from tests.e2e.lab_fixtures import Ended
from tests.e2e.swarm.swarm_fixtures import Swarm, docker, started

FIRST, SECOND = "10.213.7.1", "10.213.7.2"
TLS_PORT = 2376
PROGRAMS = "/usr/sbin:/usr/bin"
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
REGISTRY_CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"{tls}}}
"""
USER, PASSWORD = "lab", "lab-password"
HTPASSWD = f"{USER}:$2y$05$abcdefghijklmnopqrstuuL/Ej5MNdcjasz4Sr7bjTMIxZn.WGpgG\n"
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
    config = remote.folder / "sshd_config"
    config.write_text(SSHD_CONFIG.format(folder=remote.folder))
    # Any user of the second machine may read the key there.
    copy = f"mkdir -p /run/sshd && cp {remote.folder}/own.pub /run/sshd"
    command = f"{copy} && exec {shutil.which('sshd', path=PROGRAMS)} -D -e -f {config}"
    with running(remote, 2, command, "Server listening"):
        yield


@contextlib.contextmanager
def registry(remote: Remote, port: int, *, has_tls: bool, has_login: bool) -> Iterator[Path]:
    """Run a registry on the first machine; yield its log."""
    pair = f"certificate: {remote.certificates}/cert.pem, key: {remote.certificates}/key.pem"
    (remote.folder / "htpasswd").write_text(HTPASSWD)
    login = f"auth: {{htpasswd: {{realm: lab, path: {remote.folder}/htpasswd}}}}\n"
    config = remote.folder / f"registry-{port}.yml"
    config.write_text(
        REGISTRY_CONFIG.format(
            folder=remote.folder / f"registry-{port}",
            address=f"{FIRST}:{port}",
            tls=f", tls: {{{pair}}}" if has_tls else "",
        )
        + (login if has_login else "")
    )
    with running(remote, 1, f"exec docker-registry serve {config}", "listening on") as log:
        yield log


def trust_registry(remote: Remote, port: int) -> None:
    """Let both engines trust the certificate of the registry at ``port``."""
    folder = f"/etc/docker/certs.d/{FIRST}:{port}"
    copy = f"mkdir -p {folder} && cp {remote.certificates}/ca.pem {folder}/ca.crt"
    for number in (1, 2):
        run(*remote.swarm.within(number), "sh", "-c", copy)


@contextlib.contextmanager
def running(remote: Remote, number: int, command: str, sign: str) -> Iterator[Path]:
    """Run a shell's ``command`` on a machine; yield its log once that has ``sign`` in it."""
    log = Path(tempfile.mkdtemp(dir=remote.folder)) / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*remote.swarm.within(number), "sh", "-c", command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        assert wait_for(lambda: sign in log.read_text(), READY_DEADLINE_S), log.read_text()
        yield log
    finally:
        process.kill()  # what it leads to ends with the namespaces
        process.wait()


def load_what_builds(swarm: Swarm, engine: Engine) -> None:
    """Give the first machine the images of small runs, and the base on which it may build them."""
    ids = provide_images(engine, ["client", "epoll"])
    base = Compose(PROJECT).services("client")["client"]["build"]["args"]["BASE_IMAGE"]
    tags = [tag for image in ids.values() for tag in _tags_of(image)]
    swarm.docker(1, "load", given=docker("save", base, *tags))


def _tags_of(image: str) -> list[str]:
    form = '{{join .RepoTags " "}}'
    return docker("image", "inspect", "--format", form, image).decode().split()


def run(*words: str, given: str = "") -> None:
    """Run a command from the root of the checkout, with ``given`` as its input."""
    ended = subprocess.run(
        words, cwd=ROOT, input=given, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 0, ended.stderr


def problems(ended: Ended) -> list[str]:
    """Return the problems that ``hosts`` has printed."""
    assert ended.code == 3, ended.out + ended.err
    return [line for line in ended.out.splitlines() if line.startswith("problem: ")]
