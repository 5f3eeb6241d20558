"""Errors in a fault: what it needs, what it does not take, and toxics."""

from collections.abc import Callable

import pytest

from orchestrator.scenario.faults import MAX_CROWD, MAX_FAULTS, Fault, are_proxied
from orchestrator.scenario.models import discover_reloading
from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.scenario.text_fixtures import GOOD, Problems


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("faults: [{at: 1s, fault: pause}]",
         "6:26: fault: pause needs an end; write e.g. lasts: 500ms"),
        ("faults: [{at: 1s, fault: kill-worker, lasts: 1s}]",
         "6:46: lasts: the server itself replaces a killed worker; leave this out"),
        ("faults: [{at: 1s, fault: reload, lasts: 1s}]\nmodels: [prefork]",
         "6:41: lasts: a reload is over when all workers are replaced; leave this out"),
        ("faults: [{at: 1s, fault: disconnect}]",
         "6:26: fault: disconnect needs an end; write e.g. lasts: 500ms"),
        ("faults: [{at: 1s, fault: kill, toxicity: 1}]",
         "6:42: toxicity: allowed with latency, bandwidth, slicer, reset_peer, timeout, "
         "slow_close, limit_data only"),
        ("faults: [{at: 1s, fault: latency, lasts: 1s, attributes: {latency: 5}}]",
         "6:58: attributes: latency: 5 is not a duration; write a number and a unit: us, ms, s, m"),
        ("faults: [{at: 1s, fault: bandwidth, lasts: 1s}]",
         "6:26: fault: rate is missing"),
        ("faults: [{at: 1s, fault: slicer, lasts: 1s, attributes: {average_size: 1, speed: 2}}]",
         "6:57: attributes: speed: no such attribute; there is: average_size, size_variation, "
         "delay"),
        ("faults: [{at: 1s, fault: kill, crowd: 9}]",
         "6:39: crowd: allowed with fill-backlog only"),
        ("faults: [{at: 1s, fault: kill, worker: 2}]",
         "6:40: worker: allowed with kill-worker only"),
        ("faults: [{at: 1s, fault: disconnect-host, lasts: 1s}]",
         "6:26: fault: the host is missing; write its name in the hosts file, e.g. host: laptop"),
        ("faults: [{at: 1s, fault: disconnect, lasts: 1s, host: laptop}]",
         "6:55: host: allowed with disconnect-host only"),
        ("faults: [{at: 1s, fault: disconnect-host, lasts: 1s, host: '-'}]",
         "6:60: host: '-' is not a name; write the name of a host in the hosts file"),
        ("faults: [{at: 1s, fault: cpu-limit, lasts: 1s}]",
         "6:26: fault: the limit is missing; write e.g. cpus: 0.5"),
        ("faults: [{at: 1s, fault: pause, lasts: 1s, cpus: 1}]",
         "6:50: cpus: allowed with cpu-limit only"),
        ("faults: [{at: 2m, fault: kill}]",
         "6:15: at: it ends at 120s, but timeout ends the load at 120s"),
        ("faults: [{at: 1s, fault: kil}]",
         "6:26: fault: unknown value 'kil'; did you mean 'kill'? allowed: pause, kill-worker, "
         "reload, terminate, kill, cpu-limit, disconnect, fill-backlog, disconnect-host, "
         "latency, bandwidth, slicer, reset_peer, timeout, slow_close, limit_data"),
        ("faults: [{at: 1s, fault: kill-worker, worker: any}]",
         "6:47: worker: 'any'; allowed: random, or a worker from 1 to 1024"),
        ("faults: [{at: 1s}]",
         "6:10: missing key 'fault'; keys here: at, fault, lasts, worker, cpus, crowd, "
         "host, stream, toxicity, attributes"),
    ],
)  # fmt: skip
def test_a_bad_fault_says_what_is_allowed(problems: Problems, lines: str, problem: str) -> None:
    assert problems(GOOD + lines + "\n") == [problem]


def test_a_scenario_has_at_most_so_many_faults(problems: Problems) -> None:
    faults = ", ".join(["{at: 1s, fault: kill}"] * (MAX_FAULTS + 1))
    assert problems(f"{GOOD}faults: [{faults}]\n") == [
        f"6:9: faults: {MAX_FAULTS + 1} faults; allowed: at most {MAX_FAULTS}"
    ]


def test_a_fault_is_in_effect_from_its_time_on_as_long_as_it_lasts() -> None:
    pause = Fault(at="1.5s", fault="pause", lasts="500ms")
    assert (pause.at_s, pause.lasts_s, pause.end_s) == (1.5, 0.5, 2.0)
    kill = Fault(at="1.5s", fault="kill")
    assert (kill.at_s, kill.lasts_s, kill.end_s) == (1.5, 0.0, 1.5)


def test_a_crowd_fills_the_workers_and_the_accept_queue() -> None:
    crowd = Fault(at="1s", fault="fill-backlog", lasts="1s")
    assert crowd.against(workers=5, backlog=128).crowd == 5 + 128 + 1
    assert crowd.against(workers=1024, backlog=65_535).crowd == MAX_CROWD
    assert crowd.model_copy(update={"crowd": 7}).against(workers=5, backlog=128).crowd == 7
    assert Fault(at="1s", fault="kill").against(workers=5, backlog=128).crowd is None


def test_only_toxics_need_the_proxy() -> None:
    kill, reset = Fault(at="1s", fault="kill"), Fault(at="1s", fault="reset_peer", lasts="1s")
    assert not are_proxied([])
    assert not are_proxied([kill])
    assert are_proxied([kill, reset])


def test_the_request_to_the_proxy_has_what_was_written_and_no_more() -> None:
    plain = Fault(at="1s", fault="reset_peer", lasts="1s")
    assert plain.toxic("cut") == {"name": "cut", "type": "reset_peer"}
    whole = Fault(at="2s", fault="latency", lasts="1s", stream="upstream", toxicity=0,
                  attributes={"latency": "5ms"})  # fmt: skip
    assert whole.toxic("slow") == {
        "name": "slow",
        "type": "latency",
        "stream": "upstream",
        "toxicity": 0.0,
        "attributes": {"latency": "5ms"},
    }


@pytest.mark.parametrize(
    ("models", "lacking"),
    [("threaded", "threaded has none"), ("single, prefork, epoll", "single, epoll have none")],
)
def test_a_reload_of_a_model_without_worker_processes_is_refused_at_its_place(
    problems: Problems, models: str, lacking: str
) -> None:
    lines = f"models: [{models}]\nfaults: [{{at: 1s, fault: reload}}]\n"
    assert problems(GOOD + lines) == [
        f"7:26: fault: reload replaces worker processes one at a time; {lacking}. Models that "
        f"reload: {', '.join(discover_reloading())}; write only those in models"
    ]


@pytest.mark.parametrize(
    "server", ["models: [prefork]", "target: {command: [serve], name: mine}\nmodels: [mine]"]
)
def test_a_model_with_worker_processes_and_a_target_may_be_reloaded(
    load: Callable[[str], Scenario], server: str
) -> None:
    """What a target does on SIGHUP is not known here."""
    scenario = load(f"{GOOD}{server}\nfaults: [{{at: 1s, fault: reload}}]\n")
    assert [each.fault for each in scenario.faults] == ["reload"]
