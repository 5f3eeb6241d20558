import dataclasses
from collections.abc import Mapping

import pytest

from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_measures import (
    cpus_text,
    host_balance,
    host_measures,
    host_notes,
)
from orchestrator.analysis.statistics import Figures
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.kernel_log import KernelLog, Look
from orchestrator.results.server_log import log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    ONE_AFTER_THE_OTHER,
    START_NS,
    at,
    listening,
)

HOST = {"wall_s": 2.0, "cpus": 4.0, "busy_s": 3.0, "steal_s": 0.4, "pressure_s": 0.5,
        "own_cpu_s": 0.24}  # fmt: skip
PARTS = {"server_s": 0.5, "clients_s": 0.4, "conductor_s": 0.02, "probe_s": 0.04, "proxy_s": 0.3}
KILLED = FaultRecord("kill", START_NS, START_NS, error="")
SLOW = FaultRecord("latency", START_NS, START_NS, error="")


def run(host: Mapping[str, float | None], **changes: object) -> Evidence:
    clients = dataclasses.replace(ONE_AFTER_THE_OTHER.clients, host=host)
    return dataclasses.replace(ONE_AFTER_THE_OTHER, clients=clients, **changes)  # type: ignore[arg-type]


def host(**changes: float | None) -> Figures:
    """Return the host's figures in an older run in which the lab itself used 1 s of CPU time.

    The client uses 0.01 s, the server 0.75 s, the orchestrator 0.24 s, and there is no probe.
    """
    return host_measures(run({**HOST, **changes}))


def look(t_ms: float, user_s: float, probe_s: float = 0.0) -> Look:
    return {
        "t_ns": at(t_ms), "event": "looked", "cpu_user_s": user_s, "cpu_system_s": 0.0,
        "probe_cpu_s": probe_s,
    }  # fmt: skip


def test_the_lab_s_own_cpu_time_is_no_load_of_others() -> None:
    found = host()
    assert found["host_busy"] == pytest.approx((3.0 - 1.0) / 8)  # of 4 CPUs in 2 s
    assert found["host_steal"] == pytest.approx(0.4 / 8)
    assert found["host_pressure"] == pytest.approx(0.5 / 2)
    assert found["orchestrator_cpu_share"] == pytest.approx(0.24 / 2)


def test_the_load_of_others_is_never_below_0_but_the_balance_is() -> None:
    assert host(busy_s=0.9)["host_busy"] == 0
    assert host_balance(run({**HOST, "busy_s": 0.9}))["others"] == pytest.approx(-0.1)


def test_the_load_of_others_is_unknown_without_the_cpu_time_of_all() -> None:
    assert host(busy_s=None)["host_busy"] is None


def test_each_part_of_the_lab_is_subtracted_as_recorded_within_the_load() -> None:
    """The server's whole life, 0.75 s by its log, is more than the 0.5 s of its load."""
    balance = host_balance(run({**HOST, **PARTS}, faults=(SLOW,)))
    assert balance["others"] == pytest.approx(3.0 - 0.5 - 0.4 - 0.02 - 0.04 - 0.3 - 0.24)
    assert balance["proxy"] == 0.3  # the lab's own, not a stranger


def test_without_a_recorded_part_the_probe_saw_the_server_within_the_load() -> None:
    """It saw 9 s before the load and 0.5 s of it, the drain not at all."""
    looks = (look(-20, 9.0), look(600, 9.5, probe_s=0.25))
    seen = run(dict(HOST), kernel=KernelLog(looks, looks))
    assert host_balance(seen)["server"] == pytest.approx(0.5)
    assert host_balance(seen)["probe"] == 0.25


def test_a_killed_server_used_at_least_what_the_probe_saw() -> None:
    looks = (look(-20, 0.0), look(50, 0.8), look(600, 0.1))
    killed = run({**HOST, **PARTS}, kernel=KernelLog(looks, looks), faults=(KILLED,))
    assert host_balance(killed)["server"] == pytest.approx(0.9)
    assert host_balance(dataclasses.replace(killed, faults=()))["server"] == 0.5


def test_interrupts_that_belong_to_no_program_are_shared_between_lab_and_others() -> None:
    """Of 2 s of programs the lab used 1 s, so half of the second in interrupts is its own."""
    assert host_balance(run({**HOST, "irq_s": 1.0}))["others"] == pytest.approx(1.5)
    assert host_balance(run({**HOST, "busy_s": 1.0, "irq_s": 0.0}))["others"] == pytest.approx(0.0)


def test_a_server_that_the_lab_did_not_start_makes_the_figure_unknown_and_says_so() -> None:
    foreign = run({**HOST, **PARTS, "server_s": None}, log=log_of([]))
    assert host_measures(foreign)["host_busy"] is None
    (note,) = host_notes(foreign)
    assert note.startswith("host_busy is unknown: the CPU time of the server cannot be read")
    assert "validity rules that name it were not checked" in note


def test_programs_on_other_machines_make_the_figure_unknown_and_the_note_says_so() -> None:
    elsewhere = run({"wall_s": 2.0, "cpus": 4.0, "busy_s": None}, is_one_host=False)
    assert host_measures(elsewhere)["host_busy"] is None
    (note,) = host_notes(elsewhere)
    assert note.startswith("host_busy is unknown: the programs ran on other machines than the orch")


def test_a_killed_server_without_a_probe_is_unknown() -> None:
    assert host_measures(run(dict(HOST), log=log_of([listening()])))["host_busy"] is None


def test_a_proxy_whose_cpu_time_is_unknown_makes_the_figure_unknown() -> None:
    proxied = run({**HOST, **PARTS, "proxy_s": None}, faults=(SLOW,))
    assert host_measures(proxied)["host_busy"] is None
    assert "the CPU time of the proxy cannot be read" in next(host_notes(proxied))


def test_a_lab_that_used_more_than_was_used_is_not_reliable() -> None:
    (note,) = host_notes(run({**HOST, "busy_s": 0.5}))
    assert note.startswith("the lab's programs used 0.50 s of CPU time more than the CPUs were")
    assert list(host_notes(run({**HOST, "busy_s": 0.9}))) == []


def test_one_of_two_cpus_is_the_whole_of_what_the_lab_may_use() -> None:
    """A program that takes 0.9 s of the one CPU in 2 s takes 45%, not 23%."""
    limited = {**HOST, "busy_s": 1.9, "cpus": 1.0, "counted_cpus": 1.0, "machine_cpus": 2.0}
    found = host_measures(run(limited))
    assert (found["host_busy"], found["host_steal"]) == pytest.approx((0.45, 0.2))
    assert cpus_text(run(limited)) == "1 of 2 CPUs"
    assert list(host_notes(run(limited))) == [
        "the lab may use 1 of 2 CPUs, by affinity or a CPU quota"
    ]
    assert cpus_text(run({**HOST, "cpus": 2.0, "machine_cpus": 2.0})) == ""
