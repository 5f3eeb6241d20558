"""What passed on machines that were asked twice."""

from collections.abc import Callable, Mapping

from orchestrator.execution.cpus import Cpus
from orchestrator.execution.host import HostTimes
from orchestrator.execution.machine_times import KernelTimes
from orchestrator.execution.machines import AskedMachine, HostReading
from orchestrator.results.exit_codes import LabError

Answer = Callable[[], HostTimes]


def answer(at_s: float, idle_s: float, own_cpu_s: float, **lab_s: float | None) -> Answer:
    kernel = KernelTimes(idle_s, 0.0, 0.0, None)
    times = HostTimes(at_s, Cpus.all_of(2), kernel, own_cpu_s, lab_s)
    return lambda: times


def no_answer() -> HostTimes:
    raise LabError("the meter on b: it ended")


def asked(*answers: Answer, own_cpu_s: float = 0.0) -> HostReading:
    machine = AskedMachine("a and b", "kernel", answers, own_cpu_s)
    return HostReading(HostTimes.elsewhere(Cpus.all_of(2)), [machine])


def test_engines_of_one_machine_share_its_cpus_and_have_containers_of_their_own() -> None:
    begun = asked(
        answer(100.0, 50.0, 1.0, server=2.0, clients=0.0),
        answer(900.0, 50.1, 1.0, server=0.0, clients=3.0),
        own_cpu_s=5.0,
    )
    over = asked(
        answer(102.0, 53.0, 1.1, server=2.5, clients=0.0),
        answer(902.0, 53.1, 1.1, server=0.0, clients=3.25),
        own_cpu_s=5.5,
    )
    here, (load,) = over.since(begun)
    assert here["busy_s"] is None
    assert (load.name, load.boot_id, load.reason) == ("a and b", "kernel", "")
    expected = {"wall_s": 2.0, "busy_s": 1.0, "server_s": 0.5, "clients_s": 0.25}
    assert _chosen(load.times, expected) == expected
    assert round(load.times["own_cpu_s"] or 0.0, 6) == 0.7


def _chosen(
    times: Mapping[str, float | None], names: Mapping[str, float]
) -> dict[str, float | None]:
    return {name: times[name] for name in names}


def test_a_part_that_one_engine_does_not_know_is_unknown() -> None:
    begun = asked(answer(1.0, 1.0, 0.0, clients=1.0), answer(1.0, 1.0, 0.0, clients=None))
    _, (load,) = begun.since(begun)
    assert load.times["clients_s"] is None


def test_a_machine_that_does_not_answer_has_a_reason_and_no_times() -> None:
    begun = asked(answer(1.0, 1.0, 0.0), answer(1.0, 1.0, 0.0))
    over = asked(answer(2.0, 2.0, 0.0), no_answer)
    _, (load,) = over.since(begun)
    assert (dict(load.times), load.reason) == ({}, "the meter on b: it ended")
