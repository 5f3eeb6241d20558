"""Limits that a container gets from its own engine, a fake that records what it is asked."""

from types import SimpleNamespace
from typing import Any

import docker
import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import SERVICE_LABEL
from orchestrator.execution.swarm.late_limits import LateLimits, late_limits, set_limits

BYTES = 64 << 20


class FakeContainer:
    """A container whose programs print ``printed``, and of which ``swap`` is in effect."""

    def __init__(
        self, service: str, *, printed: str = "", code: int = 0, swap: int = BYTES
    ) -> None:
        self.name = f"lab-1_{service}"
        self.labels = {SERVICE_LABEL: service}
        self.attrs = {"HostConfig": {"MemorySwap": swap}}
        self.asked: list[dict[str, Any]] = []
        self._ended = SimpleNamespace(exit_code=code, output=printed.encode())

    def update(self, **changes: Any) -> None:  # noqa: ANN401 as the SDK's
        self.asked.append(changes)

    def reload(self) -> None: ...

    def exec_run(self, command: list[str]) -> SimpleNamespace:
        assert command[0] == "python3"
        return self._ended


def put(container: FakeContainer, limits: LateLimits) -> None:
    set_limits([container], {container.labels[SERVICE_LABEL]: limits})  # type: ignore[list-item]


def test_limits_are_those_that_compose_resolved() -> None:
    service = {"cpuset": "0,2-3", "memswap_limit": "536870912"}
    found = late_limits(service, must_not_swap=True)
    assert found == LateLimits((0, 2, 3), 536870912, must_not_swap=True)
    assert late_limits({"cpuset": None}, must_not_swap=False) == LateLimits()


def test_each_container_gets_its_own() -> None:
    server, client = FakeContainer("epoll", printed="0 2 3\n"), FakeContainer("client")
    limits = {
        "epoll": LateLimits((0, 2, 3), BYTES, must_not_swap=True),
        "client": LateLimits(None, BYTES),
    }
    set_limits([server, client], limits)  # type: ignore[list-item]
    of_memory = {"mem_limit": BYTES, "memswap_limit": BYTES}
    assert server.asked == [{"cpuset_cpus": "0,2-3", **of_memory}]
    assert client.asked == [of_memory]


def test_a_container_without_limits_is_left_alone() -> None:
    free = FakeContainer("client")
    put(free, LateLimits())
    assert free.asked == []


@pytest.mark.parametrize(
    ("container", "limits", "reason"),
    [
        (FakeContainer("epoll", printed="0 1"), LateLimits((0,)),
         "epoll runs on CPU 0-1, though its engine was asked for 0"),
        (FakeContainer("epoll", printed="no python", code=1), LateLimits((0,)),
         "the limits of lab-1_epoll cannot be read: no python"),
        (FakeContainer("epoll", printed="1024", swap=-1), LateLimits(None, BYTES, True),
         "epoll may swap beyond limits.memory, since the kernel of its host does not count swap"),
    ],
)  # fmt: skip
def test_a_limit_that_is_not_in_effect_ends_the_case(
    container: FakeContainer, limits: LateLimits, reason: str
) -> None:
    with pytest.raises(BackendError, match=reason):
        put(container, limits)


def test_without_swap_on_the_host_nothing_can_swap() -> None:
    put(FakeContainer("epoll", printed="0", swap=-1), LateLimits(None, BYTES, must_not_swap=True))


def test_a_refusal_of_the_engine_is_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise docker.errors.APIError("requested CPUs are not available")

    container = FakeContainer("epoll")
    monkeypatch.setattr(container, "update", refuse)
    with pytest.raises(BackendError, match="requested CPUs are not available"):
        put(container, LateLimits((7,)))
