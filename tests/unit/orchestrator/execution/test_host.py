"""The host's CPU time during a load, and how it makes a run invalid."""

import dataclasses
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.campaign.verdict import broken_rules
from orchestrator.execution import host, machine_times
from orchestrator.execution.cpus import Cpus
from orchestrator.execution.host import HostTimes
from orchestrator.measures.expression import parse_expression
from orchestrator.results.client_samples import ClientRun
from orchestrator.results.summary import ReasonKind
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    FIT,
    START_NS,
    Sent,
    evidence,
    replica,
    served,
)


def test_times_are_read_from_the_kernel() -> None:
    begun = HostTimes.now()
    passed = HostTimes.now().since(begun)
    assert all(value is None or value >= 0 for value in passed.values())
    assert passed["busy_s"] is not None
    assert (passed["cpus"] or 0) >= 1


def test_what_cannot_be_read_is_unknown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine_times, "STAT", tmp_path / "none")
    (tmp_path / "cpu").write_text("nothing")
    monkeypatch.setattr(machine_times, "PRESSURE", tmp_path / "cpu")
    passed = HostTimes.now().since(HostTimes.now())
    assert (passed["busy_s"], passed["steal_s"], passed["pressure_s"]) == (None, None, None)


def test_of_other_machines_only_the_orchestrator_s_own_time_is_known() -> None:
    cpus = Cpus.all_of(8)
    passed = HostTimes.elsewhere(cpus).since(HostTimes.elsewhere(cpus))
    known = {name for name, value in passed.items() if value is not None}
    assert known == {"wall_s", "own_cpu_s", "cpus", "counted_cpus", "machine_cpus"}
    assert passed["cpus"] == 8


STAT = """\
cpu  99 99 99 9999 99 99 99 99 0 0
cpu0 10 20 300 {idle} 6 5 7 {steal} 0 0
cpu1 99 99 99 9999 99 99 99 99 0 0
"""


def test_busy_is_what_is_neither_idle_nor_stolen_on_the_cpus_that_the_lab_may_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That includes time in the kernel and in interrupts; the other CPU does not count."""
    monkeypatch.setattr(machine_times, "STAT", tmp_path / "stat")
    monkeypatch.setattr(machine_times, "TICKS_PER_S", 100)
    one_of_two = Cpus(machine=2, allowed=(0,))
    (tmp_path / "stat").write_text(STAT.format(idle=1000, steal=10))
    begun = HostTimes.now(one_of_two, {"server": 1.0, "proxy": None})
    (tmp_path / "stat").write_text(STAT.format(idle=1070, steal=20))
    later = dataclasses.replace(
        HostTimes.now(one_of_two, {"server": 1.25, "proxy": 9.0}), at_s=begun.at_s + 1.0
    )
    passed = later.since(begun)
    assert passed["busy_s"] == pytest.approx(1.0 - 0.7 - 0.1)
    assert passed["steal_s"] == pytest.approx(0.1)
    assert (passed["server_s"], passed["proxy_s"]) == (0.25, None)
    assert (passed["cpus"], passed["counted_cpus"], passed["machine_cpus"]) == (1.0, 1.0, 2.0)


@pytest.mark.parametrize("is_apart", [True, False])
def test_interrupts_count_apart_only_if_the_kernel_books_them_to_no_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_apart: bool
) -> None:
    monkeypatch.setattr(machine_times, "STAT", tmp_path / "stat")
    monkeypatch.setattr(machine_times, "TICKS_PER_S", 100)
    monkeypatch.setattr(machine_times, "IRQ_PRESSURE", tmp_path / ("stat" if is_apart else "none"))
    (tmp_path / "stat").write_text(STAT.format(idle=1, steal=0))
    assert HostTimes.now(Cpus(2, (0,))).kernel.irq_s == pytest.approx(0.12 if is_apart else 0.0)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with one revision, which is the lab's."""
    for command in (
        "git init -q",
        "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first",
    ):
        subprocess.run(shlex.split(command), cwd=tmp_path, check=True)
    monkeypatch.setattr(host, "ROOT", tmp_path)
    return tmp_path


def revision() -> tuple[object, object]:
    described = host.describe_host({})
    return described["git_revision"], described["git_modified"]


def test_a_checkout_of_another_user_has_its_revision(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    known, is_modified = revision()
    assert re.fullmatch("[0-9a-f]{40}", str(known))
    assert is_modified is False
    (checkout / "new.py").touch()
    assert revision() == (known, True)


@pytest.mark.parametrize("name", ["", "GIT_DIR"])
def test_without_a_revision_nobody_knows_whether_it_was_modified(
    name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository around the checkout, or one that the environment names, is another one."""
    (checkout / "lab").mkdir()
    monkeypatch.setattr(host, "ROOT", checkout / "lab")
    if name:
        monkeypatch.setenv(name, str(checkout / ".git"))
    assert revision() == (None, None)


TIMES = {
    "wall_s": 2.0, "busy_s": 3.3, "steal_s": 0.2, "own_cpu_s": 0.05, "pressure_s": 0.5, "cpus": 2.0,
}  # fmt: skip


def measured(**times: float | None) -> dict[str, float | None]:
    health = dataclasses.replace(FIT, cpu_s=1.0)
    sent = [replica(0, [Sent(0, 1, 2)], health=health)]
    told = evidence(sent, [served(0, 1, 1, 2)])
    run = ClientRun(START_NS, told.clients.replicas, (), (), {**TIMES, **times})
    return analyse(dataclasses.replace(told, clients=run)).measures


def test_a_disturbed_run_breaks_a_rule_and_an_unknown_figure_none() -> None:
    rules = [parse_expression(text) for text in ("host_busy < 25%", "host_steal < 10%")]
    (broken,) = broken_rules(rules, measured())
    assert broken.text == "host_busy < 25% does not hold, 37.5% vs 25%"
    assert broken.kind is ReasonKind.DISTURBED_HOST
    assert broken_rules(rules, measured(busy_s=None)) == []


def test_the_environment_has_the_cpus_that_may_be_used() -> None:
    told = host.describe_host({})
    assert told["cpu_affinity"] == sorted(os.sched_getaffinity(0))
    assert told["machine_cpus"] == os.cpu_count()
    assert {"cpus", "cpu_quota"} <= set(told)


def test_the_environment_names_every_package_that_the_orchestrator_needs() -> None:
    packages = host.describe_host({})["packages"]
    assert isinstance(packages, dict)
    assert {"numpy", "hdrhistogram", "prometheus-client", "docker", "pyyaml"} <= set(packages)
    assert all(packages.values())


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor : 0\ncpu family : 6\nmodel name : Xeon 1\n\nmodel name : Xeon 2\n", "Xeon 1"),
        ("processor : 0\nCPU part : 0xd0c\n", "0xd0c"),
        ("processor : 0\n", None),
    ],
)
def test_the_model_of_the_cpu_is_the_first_that_the_kernel_names(
    text: str, model: str | None, tmp_path: Path
) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert host.cpu_model(tmp_path / "cpuinfo") == model
    assert host.cpu_model(tmp_path / "none") is None


def test_the_environment_has_the_version_and_the_content_of_the_code(checkout: Path) -> None:
    """The content of a folder has the same hash at each revision that does not change it."""
    for folder in ("services", "labkit", "client"):
        (checkout / folder).mkdir()
        (checkout / folder / "a.py").touch()
    commit = "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m next"
    for command in ("git add .", commit):
        subprocess.run(shlex.split(command), cwd=checkout, check=True)
    first = host.describe_host({})
    subprocess.run(shlex.split(commit), cwd=checkout, check=True)
    second = host.describe_host({})
    assert first["git_revision"] != second["git_revision"]
    trees = first["source_trees"]
    assert isinstance(trees, dict)
    assert second["source_trees"] == trees
    assert set(trees) == {"services", "labkit", "client"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(first["lab_version"]))
