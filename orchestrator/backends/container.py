"""One container: its log, its end, and what is done to a process within it."""

import contextlib

import docker
import requests
from docker.models.containers import Container

GRACE_S = 10.0
KILLED_DEADLINE_S = 60.0
KILL_PROCESS = """\
import os, sys
pid = int(sys.argv[1])
assert f"Tgid:\\t{pid}\\n" in open(f"/proc/{pid}/status").read()
os.kill(pid, 9)
"""


def ended(container: Container) -> int:
    """Return the exit code of a container that is about to end; one that stays is killed."""
    try:
        return int(container.wait(timeout=GRACE_S)["StatusCode"])
    except requests.exceptions.RequestException:  # so the SDK says that the time is up
        with contextlib.suppress(docker.errors.APIError):  # it has ended meanwhile
            container.kill()
        return int(container.wait(timeout=KILLED_DEADLINE_S)["StatusCode"])


def read_log(container: Container) -> str:
    """Return all that the container wrote so far."""
    try:
        return container.logs().decode("utf-8", errors="replace")
    except docker.errors.NotFound:
        return ""


def kill_process(container: Container, pid: int) -> bool:
    """Kill a process of that number in the container; tell whether there was one, and no thread."""
    exit_code, _ = container.exec_run(["python3", "-c", KILL_PROCESS, str(pid)])
    return exit_code == 0
