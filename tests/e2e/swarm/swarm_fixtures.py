"""``scripts/swarm`` as a user would call it, and what it may have left behind."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from conformance import ROOT
from orchestrator.execution.program_log import wait_for

AHEAD_S = 86_400
DEADLINE_S = 150
GONE_DEADLINE_S = 15.0
CGROUPS = Path("/sys/fs/cgroup")
NETWORKS = Path("/sys/class/net")
OF_ENGINE = ("br-", "veth")


class Swarm:
    """The swarm in ``folder``, whether it runs or not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def hosts_file(self) -> Path:
        """The hosts file of the two engines."""
        return self.folder / "lab.hosts.yaml"

    def within(self, number: int) -> list[str]:
        """Return the words before a command that run it as if on the machine of an engine."""
        return ["env", f"SWARM_FOLDER={self.folder}", "scripts/swarm", "within", str(number)]

    def script(self, *words: str, succeeds: bool = True) -> str:
        """Run ``scripts/swarm``, and return what it prints."""
        ended = subprocess.run(
            ["scripts/swarm", *words],
            cwd=ROOT,
            env=os.environ | {"SWARM_FOLDER": str(self.folder)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        printed = ended.stdout + ended.stderr
        assert (ended.returncode == 0) is succeeds, printed
        return printed

    def docker(self, number: int, *words: str, given: bytes = b"") -> bytes:
        """Run the docker command with the engine ``number``; return what it prints."""
        return docker("--host", f"unix://{self.folder}/{number}/docker.sock", *words, given=given)

    def processes(self) -> list[str]:
        """Return the command lines with the folder in them that run on this machine."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if str(self.folder).encode() in command:
                    found.append(command.replace(b"\0", b" ").decode())
        return found


@contextlib.contextmanager
def started(folder: Path, *words: str) -> Iterator[Swarm]:
    """Start a swarm in ``folder``, and remove it at the end."""
    found = Swarm(folder)
    found.script("up", *words)
    try:
        yield found
    finally:
        found.script("down")


def parts(swarm: Swarm) -> list[str]:
    """Return what runs have on the hosts: services, containers, networks."""
    found = swarm.docker(1, "service", "ls", "--quiet").decode().split()
    for number in (1, 2):
        found += swarm.docker(number, "ps", "--all", "--quiet").decode().split()
        networks = swarm.docker(number, "network", "ls", "--format", "{{.Name}}").decode().split()
        found += [name for name in networks if name.startswith("lab-")]
    return found


def nothing_is_left(swarm: Swarm) -> bool:
    """Whether nothing is left soon; a worker learns from its manager that a network has gone."""
    return wait_for(lambda: not parts(swarm), GONE_DEADLINE_S)


def load(swarm: Swarm, image: str) -> None:
    """Copy an image of the main engine to both engines of the swarm."""
    packed = docker("save", image)
    for number in (1, 2):
        swarm.docker(number, "load", given=packed)


def docker(*words: str, given: bytes = b"") -> bytes:
    """Run the docker command; return what it prints."""
    ended = subprocess.run(
        ["docker", *words], input=given, capture_output=True, timeout=DEADLINE_S, check=False
    )
    assert ended.returncode == 0, f"{words} failed: {ended.stderr.decode()}"
    return ended.stdout


def groups() -> set[Path]:
    """Return the control groups of this machine that a swarm may have made."""
    name = "server-models-lab-swarm-*"
    return {*CGROUPS.glob(name), *CGROUPS.glob(f"*/{name}")}  # version 2, and 1


def interfaces() -> set[str]:
    """Return this machine's network interfaces, without those of other runs on the main engine."""
    return {path.name for path in NETWORKS.iterdir() if not path.name.startswith(OF_ENGINE)}
