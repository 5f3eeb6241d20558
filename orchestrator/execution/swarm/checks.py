"""Whether hosts can work together: problems, from what their engines say. Connects to nothing."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from orchestrator.execution.swarm.facts import HostFacts, Node
from orchestrator.measures.hints import listed
from orchestrator.measures.sentences import counted

CLOCK_LIMIT_S = 1.0
"""A swarm's certificates, and the times in logs, need clocks that are about right."""

READY = Node("ready", "active")
OLDEST = (20, 10)
"""The oldest engine that this lab was tried on, as major and minor version."""


def problems_of(hosts: Sequence[HostFacts]) -> list[str]:
    """Return what keeps ``hosts`` from working together, each as a sentence."""
    found = [problem for host in hosts for problem in _own_problems(host)]
    found += _swarm_problems([host for host in hosts if host.swarm_state == "active"])
    return found + list(_image_problems(hosts))


def _own_problems(host: HostFacts) -> Iterator[str]:
    if _major_and_minor(host.version) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        yield f"{host.name}: engine {host.version} is too old; install {wanted} or newer"
    if host.swarm_state != "active":
        yield (
            f"{host.name}: its engine is in no swarm ({host.swarm_state}); run there what docker "
            "swarm join-token worker prints on a manager, or docker swarm init for a new swarm"
        )
    if abs(host.clock.ahead_s) - host.clock.error_s > CLOCK_LIMIT_S:
        yield (
            f"{host.name}: its wall clock differs by {host.clock.ahead_s:+.1f} s from this "
            "machine's; set both by NTP"
        )


def _major_and_minor(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version; of a text that has none, the oldest allowed."""
    numbers = version.split(".")[:2]
    return tuple(map(int, numbers)) if all(map(str.isdecimal, numbers)) else OLDEST


def _swarm_problems(hosts: Sequence[HostFacts]) -> Iterator[str]:
    for first, second in combinations(hosts, 2):
        if first.node_id == second.node_id:
            yield f"{first.name} and {second.name} are the same engine; keep one"
    manager = next((host for host in hosts if host.members is not None), None)
    if manager is None:
        if hosts:
            yield (
                f"no manager of the swarm is among {listed(host.name for host in hosts)}; add "
                "one to the hosts file, since only a manager deploys"
            )
        return
    for host in hosts:
        node = (manager.members or {}).get(host.node_id)
        if node is None:
            yield f"{host.name} is in another swarm than {manager.name}; docker swarm leave there"
        elif node != READY:
            yield (
                f"{host.name} runs no tasks: its node is {node.state} and {node.availability}; "
                f"docker node ls on {manager.name} shows it"
            )


def _image_problems(hosts: Sequence[HostFacts]) -> Iterator[str]:
    """Yield the images that have one tag and several contents."""
    for tag in sorted({tag for host in hosts for tag in host.images}):
        by_id: dict[str, list[str]] = {}
        for host in hosts:
            if tag in host.images:
                by_id.setdefault(host.images[tag], []).append(host.name)
        if len(by_id) > 1:
            shown = "; ".join(f"{listed(names)} {image}" for image, names in by_id.items())
            yield f"{tag} has {counted(len(by_id), 'contents')}: {shown}; remove all but one"


def missing_images(hosts: Sequence[HostFacts]) -> dict[str, int]:
    """Return how many of the lab's images that some host has each of ``hosts`` lacks."""
    tags = {tag for host in hosts for tag in host.images}
    return {host.name: len(tags - set(host.images)) for host in hosts}
