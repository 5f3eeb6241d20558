"""Each machine of a run is judged by itself; the run has the worst of them."""

import dataclasses
from collections.abc import Mapping, Sequence

import pytest

from labkit.clock import Clock
from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.machines import (
    at_the_server,
    balance_of_all,
    evidence_by_machine,
    machine_notes,
)
from orchestrator.measures.bounds import AtLeast, at_the_far_end
from orchestrator.results.client_samples import MachineLoad
from orchestrator.results.kernel_log import KernelLog
from orchestrator.results.server_log import log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    FIT,
    STOPPED,
    Sent,
    at,
    evidence,
    listening,
    replica,
    served,
)

WALL_S, CPUS = 1.0, 2.0
KERNELS = {"desk": "d", "laptop": "l", "board": "b"}


def machine(name: str, others_s: float | None, steal_s: float = 0.0, **lab_s: float) -> MachineLoad:
    """Return a machine on which programs of others used ``others_s`` in a second on two CPUs."""
    parts = dict.fromkeys(("server_s", "clients_s", "conductor_s", "probe_s"), 0.0) | lab_s
    busy_s = None if others_s is None else others_s + sum(parts.values())
    times = {"wall_s": WALL_S, "cpus": CPUS, "busy_s": busy_s, "steal_s": steal_s, **parts}
    return MachineLoad(name, KERNELS[name], {**times, "own_cpu_s": 0.0})


DESK = machine("desk", 0.4, server_s=0.01)
LAPTOP = machine("laptop", 1.0, 0.1, clients_s=0.01)
BOARD = machine("board", 1.8, clients_s=0.01)


def run(
    *machines: MachineLoad,
    server_ms: float = 0.0,
    clients_ms: Mapping[str, float] | None = None,
    places: Sequence[str] = ("laptop", "board"),
) -> Evidence:
    """Return a run with a client on each of ``places``, and the server on the desk.

    Each has a message of 100 ms. ``server_ms`` and ``clients_ms`` are how long they were ready and
    had no CPU.
    """
    clocks = [Clock(KERNELS[name], 0) for name in places]
    delays_s = [(clients_ms or {}).get(name, 0.0) / 1e3 for name in places]
    replicas = [
        replica(
            number, [Sent(0, 100 * number, 100 * number + 100)], clock=clock, start_ns=at(0),
            health=dataclasses.replace(FIT, run_delay_s=delay_s),
        )
        for number, (clock, delay_s) in enumerate(zip(clocks, delays_s, strict=True))
    ]  # fmt: skip
    events = [
        served(0, 1, 100 * number, 100 * number + 100, replica=number)
        for number in range(len(places))
    ]
    clock = {"boot_id": KERNELS["desk"], "offset_ns": 0}
    looks = tuple(
        {"t_ns": at(t_ms), "event": "looked", "cpu_user_s": 0.0, "cpu_system_s": 0.0,
         "run_delay_s": delay_ms / 1e3}
        for t_ms, delay_ms in ((-10, 0.0), (1000, server_ms))
    )  # fmt: skip
    log = log_of([{**listening(), "clock": clock}, *events, STOPPED])
    found = evidence(replicas, [], log=log, kernel=KernelLog(looks, looks), is_one_host=True)
    clients = dataclasses.replace(found.clients, machines=machines)
    return dataclasses.replace(found, clients=clients)


def test_the_run_has_the_worst_of_its_machines() -> None:
    found = analyse(run(DESK, LAPTOP, BOARD))
    busy = {name: figures["host_busy"] for name, figures in found.machines.items()}
    assert busy == {name: pytest.approx(of) for name, of in
                    (("desk", 0.2), ("laptop", 0.5), ("board", 0.9))}  # fmt: skip
    assert found.measures["host_busy"] == pytest.approx(0.9)
    assert found.measures["host_steal"] == pytest.approx(0.05)


def test_a_message_is_delayed_where_the_server_is_and_where_its_client_is() -> None:
    """Each program waited for 10 ms of its 100 or 200, nearly all of it for others."""
    found = analyse(run(DESK, LAPTOP, BOARD, server_ms=20, clients_ms={"laptop": 5, "board": 10}))
    delays = {name: figures["host_delay"] for name, figures in found.machines.items()}
    assert delays == {name: pytest.approx(of, rel=0.06) for name, of in
                      (("desk", 0.1), ("laptop", 0.05), ("board", 0.1))}  # fmt: skip
    assert found.measures["host_delay"] == pytest.approx(0.2, rel=0.06)


def test_programs_that_share_a_machine_are_not_counted_twice() -> None:
    both = machine("desk", 0.4, server_s=0.01, clients_s=0.02)
    found = analyse(run(both, server_ms=10, clients_ms={"desk": 10}, places=("desk",)))
    assert found.machines["desk"]["host_busy"] == pytest.approx(0.2)
    assert found.measures["host_delay"] == found.machines["desk"]["host_delay"]


def test_a_machine_that_did_not_answer_makes_a_lower_bound_of_what_is_known() -> None:
    silent = MachineLoad("board", KERNELS["board"], {}, "the meter on board: it ended")
    found = analyse(run(DESK, LAPTOP, silent))
    assert isinstance(found.measures["host_busy"], AtLeast)
    assert at_the_far_end(found.measures)["host_busy"] == 1e15
    assert found.measures["host_delay"] is None
    notes = list(machine_notes(found.evidence, found.machines))
    assert notes[:2] == [
        "desk: host_delay 0.0%, host_busy 20.0%, host_steal 0.0%",
        "laptop: host_delay 0.0%, host_busy 50.0%, host_steal 5.0%",
    ]
    (unknown,) = notes[2:]
    assert unknown.startswith("board: host_busy is unknown: the meter on board: it ended; validity")


def test_without_any_answer_nothing_is_known() -> None:
    silent = [dataclasses.replace(each, times={}, reason="gone") for each in (DESK, LAPTOP)]
    found = analyse(run(*silent, places=("laptop",)))
    assert (found.measures["host_busy"], found.measures["host_steal"]) == (None, None)
    assert balance_of_all(found.evidence)["others"] is None


def test_a_client_whose_machine_is_unknown_makes_the_delay_unknown() -> None:
    found = run(DESK, LAPTOP)  # the other client is on no known machine
    assert analyse(found).measures["host_delay"] is None
    assert analyse(found).measures["host_busy"] == pytest.approx(0.5)


def test_the_evidence_of_a_machine_has_its_own_programs_only() -> None:
    found = run(DESK, LAPTOP, BOARD)
    by_name = evidence_by_machine(found)
    assert {name: each.has_server for name, each in by_name.items()} == {
        "desk": True, "laptop": False, "board": False
    }  # fmt: skip
    numbers = {
        name: [r.number for r in each.evidence.clients.replicas] for name, each in by_name.items()
    }
    assert numbers == {"desk": [], "laptop": [0], "board": [1]}
    assert at_the_server(found).clients.host == DESK.times
    assert balance_of_all(found)["others"] == pytest.approx(0.4 + 1.0 + 1.8)


def test_a_run_on_this_machine_has_none() -> None:
    found = run()
    assert evidence_by_machine(found) == {}
    assert analyse(found).machines == {}
    assert at_the_server(found) is found
