import subprocess
import sys
from types import SimpleNamespace

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import Endpoint
from orchestrator.execution.swarm.clocks import READ, check_clocks, clock_here
from orchestrator.execution.swarm.connection import HostEngine

LABELS = {"a": "b"}


def host(name: str, clock: str) -> HostEngine:
    def run(_image: str, _command: list[str], **options: object) -> bytes:
        assert options["labels"] == LABELS
        assert options["remove"]
        return clock.encode() + b"\n"

    client = SimpleNamespace(containers=SimpleNamespace(run=run))
    return HostEngine(name, "", client, Endpoint(""))  # type: ignore[arg-type]


def test_what_a_container_prints_is_what_this_process_reads() -> None:
    printed = subprocess.run([sys.executable, "-c", READ], capture_output=True, check=True).stdout
    assert printed.decode().strip("\n") == clock_here().strip("\n")


def test_hosts_with_this_machine_s_clock_pass() -> None:
    check_clocks([host("a", clock_here()), host("b", clock_here())], "sha256:1", LABELS)


@pytest.mark.parametrize("other", ["b00t\nmonotonic 0 0 boottime 0 0", "", "b00t\n"])
def test_a_host_with_another_clock_is_named(other: str) -> None:
    hosts = [host("same", clock_here()), host("other", other)]
    with pytest.raises(BackendError, match=r"^other: CLOCK_MONOTONIC is not this machine's there"):
        check_clocks(hosts, "sha256:1", LABELS)


def test_a_time_namespace_alone_is_another_clock() -> None:
    boot, _, offsets = clock_here().partition("\n")
    assert offsets, "this kernel has time namespaces"
    ahead = f"{boot}\n{offsets.replace('monotonic 0', 'monotonic 86400')}"
    with pytest.raises(BackendError, match="or a time namespace"):
        check_clocks([host("ahead", ahead)], "sha256:1", LABELS)
