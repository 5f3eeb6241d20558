"""CPU time of a container, from the files of its control group."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.execution.docker.cpu_time import StageMeters, meter_of
from orchestrator.execution.machine_times import GroupMeter

CONTAINER: Any = SimpleNamespace(id="abc", attrs={"State": {"Pid": 7}})


@pytest.mark.parametrize(
    ("groups", "file", "text"),
    [
        ("0::/system.slice/docker-abc.scope\n", "system.slice/docker-abc.scope/cpu.stat",
         "usage_usec 2500000\nuser_usec 1\n"),
        ("2:cpuacct:/docker/abc\n1:cpu:/docker/abc\n", "cpuacct/docker/abc/cpuacct.usage",
         "2500000000\n"),
        ("3:cpu,cpuacct:/docker/abc\n", "cpu,cpuacct/docker/abc/cpuacct.usage", "2500000000\n"),
    ],
)  # fmt: skip
def test_a_container_s_cpu_time(tmp_path: Path, groups: str, file: str, text: str) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text(groups)
    (tmp_path / "mount" / file).parent.mkdir(parents=True)
    (tmp_path / "mount" / file).write_text(text)
    meter = meter_of(CONTAINER, tmp_path, tmp_path / "mount")
    assert meter is not None
    assert meter.cpu_s() == 2.5


def test_a_process_of_another_machine_with_the_same_pid_is_not_the_container(
    tmp_path: Path,
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cgroup").write_text("0::/init.scope\n")
    (tmp_path / "init.scope").mkdir()
    (tmp_path / "init.scope/cpu.stat").write_text("usage_usec 1\n")
    assert meter_of(CONTAINER, tmp_path, tmp_path) is None


def test_the_cpu_time_goes_on_after_a_kill_and_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "cpuacct.usage"
    meter = GroupMeter(file)
    file.write_text("3000000000")
    assert meter.cpu_s() == 3.0
    file.unlink()
    assert meter.cpu_s() == 3.0
    file.write_text("500000000")
    assert meter.cpu_s() == 3.5


def test_a_part_of_which_one_group_is_not_visible_is_unknown(tmp_path: Path) -> None:
    gone: Any = SimpleNamespace(id="abc", attrs={"State": {"Pid": tmp_path}})
    assert StageMeters({"clients": [gone], "proxy": []}).cpu_s() == {"clients": None, "proxy": 0}
