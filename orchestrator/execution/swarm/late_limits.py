"""Limits that Swarm does not have: each container gets them from its own engine as soon as it runs.

The load has not begun then, and no program of the lab sizes itself by the CPUs that it finds. What
the kernel has put into effect is read back from within the container.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import SERVICE_LABEL, engine_failures, in_parallel
from orchestrator.scenario.cpu_list import cpu_list_text, parse_cpu_list

AFFINITY = "import os; print(*sorted(os.sched_getaffinity(1)))"
SWAP = "print(next(x.split()[1] for x in open('/proc/meminfo') if x.startswith('SwapTotal:')))"


@dataclass(frozen=True)
class LateLimits:
    """The CPUs of a container, None for all, and its limit of memory and swap in bytes, 0 for none.

    ``must_not_swap``: the scenario limits its memory, so it must not go on beyond that.
    """

    cpus: tuple[int, ...] | None = None
    memory_and_swap: int = 0
    must_not_swap: bool = False


def late_limits(service: Mapping[str, Any], *, must_not_swap: bool) -> LateLimits:
    """Return those of a ``service`` of what ``docker compose config --format json`` printed."""
    cpuset, swap = service.get("cpuset"), int(service.get("memswap_limit") or 0)
    return LateLimits(parse_cpu_list(str(cpuset)) if cpuset else None, swap, must_not_swap)


def set_limits(containers: Sequence[Container], limits: Mapping[str, LateLimits]) -> None:
    """Set the limits of running ``containers`` by their service.

    Raises:
        BackendError: an engine refuses, or one is not in effect.
    """
    with engine_failures():
        in_parallel(functools.partial(_set, limits), containers)


def _set(limits: Mapping[str, LateLimits], container: Container) -> None:
    service = container.labels[SERVICE_LABEL]
    wanted = limits[service]
    changes: dict[str, Any] = {}
    if wanted.cpus is not None:
        changes["cpuset_cpus"] = cpu_list_text(wanted.cpus)
    if wanted.memory_and_swap:
        changes["mem_limit"] = changes["memswap_limit"] = wanted.memory_and_swap
    if not changes:
        return
    container.update(**changes)
    container.reload()
    if wanted.cpus is not None:
        _check_cpus(service, container, wanted.cpus)
    if wanted.must_not_swap:
        _check_swap(service, container, wanted.memory_and_swap)


def _check_cpus(service: str, container: Container, wanted: tuple[int, ...]) -> None:
    found = tuple(map(int, _printed_by(container, AFFINITY).split()))
    if found != wanted:
        raise BackendError(
            f"{service} runs on CPU {cpu_list_text(found)}, though its engine was asked for "
            f"{cpu_list_text(wanted)}"
        )


def _check_swap(service: str, container: Container, wanted: int) -> None:
    """Check that there is a limit of swap, or no swap on the container's host."""
    is_set = container.attrs["HostConfig"]["MemorySwap"] == wanted
    if not is_set and _printed_by(container, SWAP) != "0":
        raise BackendError(
            f"{service} may swap beyond limits.memory, since the kernel of its host does not count "
            "swap; turn swap off there"
        )


def _printed_by(container: Container, program: str) -> str:
    """Return what a Python program in ``container`` prints, without space around it.

    Raises:
        BackendError: it fails.
    """
    ended = container.exec_run(["python3", "-I", "-S", "-c", program])
    printed: str = ended.output.decode(errors="replace").strip()  # type: ignore[union-attr]
    if ended.exit_code != 0:
        raise BackendError(f"the limits of {container.name} cannot be read: {printed[-200:]}")
    return printed
