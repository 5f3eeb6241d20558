"""Reads back from the engine what a case's containers really have, before the load.

Whatever takes the place of a setting on the way (another Compose file, an engine or a kernel that
cannot set it), the run would be of something else than the scenario says. Such a run ends here.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.docker.compose_override import WHOLE_LOG
from orchestrator.measures.sentences import counted
from orchestrator.scenario.cpu_list import cpu_list_text, parse_cpu_list

MEMINFO = Path("/proc/meminfo")
NANO = 1e9
MIB = 1 << 20


def containers_of_clients(order: StageOrder) -> int:
    """Return how many client containers a case has; one, if it has no replica, for questions.

    Only they can reach both the server and the conductor, so the server is asked from there.
    """
    return max(order.replicas, 1)


def check_containers(
    order: StageOrder,
    images: Mapping[str, str],
    server: Container,
    clients: Sequence[Container],
) -> None:
    """Compare the containers of a case with its order.

    Raises:
        BackendError: one has another image, limit or setting; with every difference.
    """
    found = [
        *_image_differences(order.model, images[order.model], server),
        *_setting_differences(order, server.attrs["Config"]["Env"] or []),
        *limit_differences(order, server.attrs["HostConfig"]),
        *_cpuset_differences(order.model, order.limits.server_cpus, server),
    ]
    for client in clients:
        found += _image_differences("client", images["client"], client)
        found += _cpuset_differences("client", order.limits.client_cpus, client)
    for name, container in [(order.model, server), *(("client", each) for each in clients)]:
        found += _log_differences(name, container.attrs["HostConfig"]["LogConfig"])
    if len(clients) != (wanted := containers_of_clients(order)):
        found.append(f"clients: {counted(wanted, 'containers')} requested, {len(clients)} found")
    if found:
        shown = "\n".join(f"    {line}" for line in dict.fromkeys(found))
        raise BackendError(f"the containers are not what the scenario says:\n{shown}")


def _image_differences(name: str, image: str, container: Container) -> Iterator[str]:
    if (found := container.attrs["Image"]) != image:
        yield f"{name}: image {image} requested, {found} found"


def _log_differences(name: str, found: Mapping[str, Any]) -> Iterator[str]:
    driver, options = found["Type"], found["Config"] or {}
    if driver != WHOLE_LOG["driver"]:
        yield f"{name}: log driver {WHOLE_LOG['driver']} requested, {driver} found"
    wanted = WHOLE_LOG["options"]
    differing = {key: options.get(key) for key in wanted if options.get(key) != wanted[key]}
    if differing:
        yield f"{name}: log options {wanted} requested, {differing} found"


def _setting_differences(order: StageOrder, environment: Sequence[str]) -> Iterator[str]:
    found = dict(line.partition("=")[::2] for line in environment)
    for name, value in order.environment.items():
        if found.get(name, "") != value:
            yield f"{order.model}: {name}={value!r} requested, {found.get(name, '')!r} found"


def _cpuset_differences(
    name: str, wanted: tuple[int, ...] | None, container: Container
) -> Iterator[str]:
    """Yield that a container may run on other CPUs than ``wanted``, None for all."""
    text = container.attrs["HostConfig"].get("CpusetCpus")
    found = parse_cpu_list(text) if text else None
    if found != wanted:
        yield f"{name}: {_cpus_text(wanted)} requested, {_cpus_text(found)} found"


def _cpus_text(cpus: tuple[int, ...] | None) -> str:
    return "every CPU" if cpus is None else f"cpuset {cpu_list_text(cpus)}"


def limit_differences(order: StageOrder, found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the limits of ``order`` that ``found``, the engine's ``HostConfig``, does not have."""
    cpus, memory = order.limits.cpus, order.limits.memory_bytes
    if (limited := _cpus(found)) != (0 if cpus is None else round(cpus * NANO)):
        wanted = "no limit" if cpus is None else f"{cpus:g} CPUs"
        yield f"{order.model}: {wanted} requested, {limited / NANO:g} CPUs found"
    sysctls = found.get("Sysctls") or {}
    for name, value in order.limits.sysctl_values.items():
        if sysctls.get(name) != str(value):
            yield f"{order.model}: {name}={value} requested, {sysctls.get(name)} found"
    if memory is None:
        return
    if found["Memory"] != memory:
        yield f"{order.model}: {_mib(memory)} of memory requested, {_mib(found['Memory'])} found"
    swap = found["MemorySwap"]
    if swap != memory and not (swap <= 0 and not _has_swap()):
        have = "any amount" if swap <= 0 else _mib(swap)
        yield (
            f"{order.model}: {_mib(memory)} of memory and swap requested, {have} found; if the "
            "kernel does not count swap (docker info), turn swap off"
        )


def _cpus(found: Mapping[str, Any]) -> int:
    """Return the limit in billionths of a CPU, 0 if there is none; engines store it in two ways."""
    nano, quota, period = found.get("NanoCpus"), found.get("CpuQuota"), found.get("CpuPeriod")
    if nano:
        return int(nano)
    return round(quota / (period or 100_000) * NANO) if quota and quota > 0 else 0


def _has_swap() -> bool:
    """Whether this host has swap, or cannot tell."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
        sizes = [line.split()[1] for line in lines if line.startswith("SwapTotal:")]
    except (OSError, IndexError):
        return True
    return sizes != ["0"]


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / MIB:g} MiB"
