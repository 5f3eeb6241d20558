"""The CPUs that the lab may use: affinity, and the quota of both versions of control groups."""

import os
from pathlib import Path

import pytest

from orchestrator.execution.cpus import Cpus, cpu_quota


def test_the_affinity_of_this_process_counts() -> None:
    found = Cpus.of_this_process()
    assert set(found.allowed) == os.sched_getaffinity(0)
    assert found.usable <= len(found.allowed) <= found.machine


def test_the_smaller_of_affinity_and_quota_may_be_used() -> None:
    assert Cpus(4, (0, 2), quota=1.5).usable == 1.5
    assert Cpus(4, (0, 2), quota=3.0).usable == 2.0
    assert Cpus.all_of(4).usable == 4.0


def quota(folder: Path, groups: str, files: dict[str, str]) -> float | None:
    (folder / "groups").write_text(groups)
    for name, text in files.items():
        path = folder / "mount" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return cpu_quota(folder / "groups", folder / "mount")


@pytest.mark.parametrize(
    ("groups", "files", "cpus"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "150000 100000\n"}, 1.5),
        # a group around it is smaller
        ("0::/a/b\n", {"a/b/cpu.max": "150000 100000\n", "a/cpu.max": "50000 100000\n"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000\n"}, None),
        # a container sees its own group at the root, at whatever path the host has it
        ("0::/../other\n", {"cpu.max": "100000 100000\n"}, 1.0),
        ("0::/\n", {"cpu.max": "25000 100000\n"}, 0.25),
        ("4:cpu,cpuacct:/docker/1\n0::/\n",
         {"cpu,cpuacct/docker/1/cpu.cfs_quota_us": "200000",
          "cpu,cpuacct/docker/1/cpu.cfs_period_us": "100000"}, 2.0),
        ("1:cpu:/docker/1\n", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"},
         0.5),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("9:memory:/a\n", {}, None),
    ],
)  # fmt: skip
def test_a_quota(tmp_path: Path, groups: str, files: dict[str, str], cpus: float | None) -> None:
    assert quota(tmp_path, groups, files) == cpus


def test_without_control_groups_there_is_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path / "none", tmp_path) is None
