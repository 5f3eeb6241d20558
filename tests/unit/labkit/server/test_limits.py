import errno
import os
import resource
from pathlib import Path

import pytest

from labkit.server import limits
from labkit.server.limits import REMEDY, DescriptorWall, lack_of_descriptors, start_failure

NO_PROCESS = BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


@pytest.fixture(autouse=True)
def unlimited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder in place of /sys/fs/cgroup; no limit is set."""
    _limit(monkeypatch)
    monkeypatch.setattr(limits, "_CGROUPS", tmp_path / "fs")
    monkeypatch.setattr(limits, "_OWN_CGROUPS", tmp_path / "cgroup")
    return tmp_path / "fs"


def _limit(monkeypatch: pytest.MonkeyPatch, **soft: int) -> None:
    def getrlimit(number: int) -> tuple[int, int]:
        names = {
            resource.RLIMIT_NPROC: "NPROC",
            resource.RLIMIT_AS: "AS",
            resource.RLIMIT_NOFILE: "NOFILE",
        }
        return soft.get(names[number], resource.RLIM_INFINITY), resource.RLIM_INFINITY

    monkeypatch.setattr(resource, "getrlimit", getrlimit)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def _cgroup(root: Path, own: str, **pids_max: str) -> None:
    (root.parent / "cgroup").write_text(own)
    for folder, value in pids_max.items():
        path = root / folder.replace("_", "/").strip("/")
        path.mkdir(parents=True, exist_ok=True)
        (path / "pids.max").write_text(value)


def test_without_a_limit_it_says_so() -> None:
    assert start_failure(3, 8, NO_PROCESS) == (
        "cannot start worker 3 of 8: Resource temporarily unavailable (no limit is set here); "
        f"{REMEDY}LAB_WORKERS"
    )


@pytest.mark.parametrize(
    ("own", "pids_max"),
    [
        ("0::/\n", {"_": "4\n"}),
        ("0::/a/b\n", {"_": "max\n", "a": "4\n", "a_b": "70\n"}),
        ("9:name=systemd:/x\n8:pids:/docker/7\n", {"pids": "max", "pids_docker_7": "4"}),
        ("8:pids:/docker/7\n", {"pids": "4"}),  # only the container's own is mounted, as root
    ],
)
def test_the_smallest_limit_of_the_cgroups_is_named(
    unlimited: Path, own: str, pids_max: dict[str, str]
) -> None:
    _cgroup(unlimited, own, **pids_max)
    line = start_failure(3, 8, RuntimeError("can't start new thread"))
    assert line == (
        "cannot start worker 3 of 8: can't start new thread "
        f"(limit of the container or cgroup: pids.max 4); {REMEDY}LAB_WORKERS"
    )


def test_limits_of_the_user_and_of_the_address_space_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _limit(monkeypatch, NPROC=30, AS=1 << 20)
    line = start_failure(1, 2, NO_PROCESS)
    assert "(limit of the user: ulimit -u 30, limit of memory: ulimit -v 1024)" in line
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "ulimit -u" not in start_failure(1, 2, NO_PROCESS)


@pytest.mark.parametrize(
    ("code", "limit"),
    [(errno.EMFILE, "Too many open files (limit of descriptors: ulimit -n 20)"),
     (errno.ENFILE, "Too many open files in system (limit of descriptors: fs.file-max of the "
      "kernel)")],
)  # fmt: skip
def test_a_lack_of_descriptors_names_their_limit(
    monkeypatch: pytest.MonkeyPatch, code: int, limit: str
) -> None:
    _limit(monkeypatch, NOFILE=20)
    error = OSError(code, "")
    assert lack_of_descriptors(error) == f"{limit}; allow more descriptors"
    assert start_failure(3, 8, error) == (
        f"cannot start worker 3 of 8: {limit}; allow more descriptors, or lower LAB_WORKERS"
    )
    assert lack_of_descriptors(NO_PROCESS) == lack_of_descriptors(RuntimeError("EMFILE")) == ""


@pytest.mark.parametrize(
    ("soft", "built", "is_reached"),
    [(resource.RLIM_INFINITY, 1024, True), (4096, 1024, True), (1024, 1024, True), (99, 99, False)],
)
def test_a_wall_lowers_the_limit_and_is_not_reached_below_it(
    monkeypatch: pytest.MonkeyPatch, soft: int, built: int, is_reached: bool
) -> None:
    """A lower limit of the system stays, and is the reason for EMFILE then."""
    limit = (soft, 4096)

    def setrlimit(number: int, to: tuple[int, int]) -> None:
        nonlocal limit
        assert number == resource.RLIMIT_NOFILE
        limit = to

    monkeypatch.setattr(resource, "getrlimit", lambda _number: limit)
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    wall = DescriptorWall(1024, "FD_SETSIZE")
    wall.build()
    assert limit == (built, 4096)
    assert wall.is_reached is is_reached
    assert str(wall) == ("every descriptor below 1024 is in use (FD_SETSIZE, a limit of the model)")
