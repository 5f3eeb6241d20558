"""What meters on the hosts of a swarm read, against this machine, whose kernel they share."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from labkit.clock import own_clock
from orchestrator.execution.docker.engine import Engine
from orchestrator.execution.docker.images import provide_images
from orchestrator.execution.host import HostTimes
from orchestrator.execution.machine_times import GroupMeter, meters_of_ids
from orchestrator.execution.program_log import wait_for
from orchestrator.execution.swarm.connection import connected
from orchestrator.execution.swarm.meters import HostMeter, Meters
from orchestrator.scenario.hosts import load_hosts
from tests.e2e.lab_fixtures import Lab
from tests.e2e.swarm.swarm_fixtures import Swarm, load, nothing_is_left

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("only_long")]

BURNT_S, BURNT_DEADLINE_S = 1.0, 60.0
TICKS_S = 0.1
"""The kernel brings the idle time of a CPU up to date at a tick, or later if it sleeps."""

SCENARIO = """\
intent: Are other programs on the hosts seen from afar?
models: [epoll]
retries_of_invalid: 0
clients: [{executor: closed, users: 2, messages: 40, demand: sleep=50ms, replicas: 2}]
"""
HOG = "import time; ends_s = time.monotonic() + 240\nwhile time.monotonic() < ends_s: pass"
"""It ends by itself, if a test that was killed leaves it."""

ELSEWHERE = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'


@contextmanager
def hogs() -> Iterator[None]:
    """Use all CPUs of this machine meanwhile, with two programs for each."""
    command = [sys.executable, "-S", "-E", "-c", HOG]
    with ExitStack() as ends:
        for _ in range(2 * (os.cpu_count() or 1)):
            program = subprocess.Popen(command, start_new_session=True)
            ends.callback(program.wait)
            ends.callback(program.kill)
        yield


@contextmanager
def burning(swarm: Swarm, image: str) -> Iterator[str]:
    """Yield the id of a container on the second engine that uses a CPU meanwhile."""
    program = ("--entrypoint", "python3", image, "-c", "while True: pass")
    container = swarm.docker(2, "run", "--rm", "--detach", *program).decode().strip()
    try:
        yield container
    finally:
        swarm.docker(2, "kill", container)


@contextmanager
def metered(swarm: Swarm, image: str, container: str) -> Iterator[Meters]:
    """Yield the meters of both hosts, of which the second has a client's container."""
    hosts, ids = load_hosts(swarm.hosts_file), {"first": [], "second": [container]}
    clock = own_clock()
    with ExitStack() as stack:
        engines = [stack.enter_context(connected(hosts, name)) for name in ids]
        each = [HostMeter(host, "lab-1", image, {"clients": ids[host.name]}) for host in engines]
        found = Meters(each, dict.fromkeys(ids, clock), None)
        stack.callback(found.close)
        found.wait_until_ready()
        yield found


def here(group: GroupMeter) -> HostTimes:
    return HostTimes.now(lab_s={"clients": group.cpu_s()})


def asked(found: Meters) -> HostTimes:
    (machine,) = found.ask(0.0)
    assert machine.name == "first and second"
    return machine.times()


def test_a_reading_lies_between_two_of_this_machine(swarm: Swarm, engine: Engine) -> None:
    """That holds whatever else runs on it, and for a container that another engine runs."""
    image = provide_images(engine, ["client"])["client"]
    load(swarm, image)
    with burning(swarm, image) as container, metered(swarm, image, container) as found:
        (group,) = meters_of_ids({"clients": [container]})["clients"]
        assert group is not None
        before, begun, after = here(group), asked(found), here(group)
        burnt_s = group.cpu_s()
        assert wait_for(lambda: group.cpu_s() > burnt_s + BURNT_S, BURNT_DEADLINE_S)
        before_end, ended, after_end = here(group), asked(found), here(group)
    passed, least, most = ended.since(begun), before_end.since(after), after_end.since(before)
    for name in ("wall_s", "busy_s", "steal_s", "clients_s"):
        low, seen, high = (float(each[name] or 0.0) for each in (least, passed, most))
        assert low - TICKS_S <= seen <= high + TICKS_S, name
    assert (passed["busy_s"] or 0.0) >= BURNT_S - TICKS_S
    assert (passed["clients_s"] or 0.0) >= BURNT_S
    assert nothing_is_left(swarm)


@pytest.fixture
def lab_elsewhere(lab: Lab, tmp_path: Path) -> Lab:
    """Return the lab on what it takes for another machine than that of the swarm."""
    boot_id = tmp_path / "boot_id"
    boot_id.write_text(f"{uuid.uuid4()}\n")
    elsewhere = (str(shutil.which("unshare")), "--mount", "sh", "-c", ELSEWHERE, str(boot_id))
    return Lab(lab.checkout, lab.out, within=elsewhere)


def test_programs_that_disturb_a_host_elsewhere_make_the_run_invalid_and_it_is_named(
    lab_elsewhere: Lab, swarm: Swarm, tmp_path: Path
) -> None:
    scenario = tmp_path / "afar.yaml"
    scenario.write_text(SCENARIO)
    place = ["--backend", "swarm", "--hosts", str(swarm.hosts_file)]
    with hogs():
        ended = lab_elsewhere.orchestrate(scenario, *place, "--out", lab_elsewhere.out)
    assert ended.code == 4, ended.out + ended.err
    case = ended.case("epoll")
    assert case["measures"]["host_busy"] > 0.75
    assert case["measures"]["host_delay"] is not None
    (busy,) = [doubt for doubt in case["invalid"] if "host_busy < 75%" in doubt]
    assert "(first and second " in busy
    (raw,) = ended.results[0].glob("raw/*")
    (machine,) = json.loads((raw / "clients.json").read_text())["machines"]
    times = machine["times"]
    lab_s = [times[f"{part}_s"] for part in ("server", "clients", "conductor")]
    assert min(lab_s) > 0
    assert sum(lab_s) < times["busy_s"] / 2
    assert nothing_is_left(swarm)
