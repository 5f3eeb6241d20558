"""``hosts``: check the engines of a hosts file, one after another; change nothing."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from orchestrator.cli.output import print_out
from orchestrator.execution.docker.engine import in_parallel
from orchestrator.execution.swarm.checks import missing_images, problems_of
from orchestrator.execution.swarm.connection import connected_to_all
from orchestrator.execution.swarm.facts import HostFacts, read_facts
from orchestrator.execution.swarm.registry import registry_of
from orchestrator.measures.sentences import counted
from orchestrator.results.exit_codes import BROKEN, HOLDS
from orchestrator.scenario.hosts import HOSTS_FILE, Host, load_hosts

GIB = 1 << 30
MS_PER_S = 1e3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the hosts file."""
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        type=Path,
        default=HOSTS_FILE,
        help=f"the hosts file (default: {HOSTS_FILE}); docs/swarm.md describes it",
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print what each engine says of its host, then every problem."""
    hosts = load_hosts(arguments.file)
    registry = registry_of(hosts)
    with connected_to_all(hosts) as (engines, silent):
        found = [read_facts(engine) for engine in engines]
        asked = in_parallel(registry.problem_of, engines) if registry else []
    lacking = missing_images(found)
    for host in found:
        for line in described(host, hosts.by_name[host.name], lacking[host.name]):
            print_out(line)
    problems = [*silent, *problems_of(found), *filter(None, asked)]
    for problem in problems:
        print_out(f"problem: {problem}")
    if problems:
        return BROKEN
    if registry:
        print_out(f"registry {registry.address}: answers the engine of each host")
    print_out(f"{counted(len(found), 'hosts')}: reachable, in one swarm, and alike in images")
    return HOLDS


def described(facts: HostFacts, host: Host, lacking: int) -> Iterator[str]:
    """Yield the lines about a host that answered; it lacks some of the lab's images."""
    yield f"{facts.name}: {host.engine or f'context {host.context}'}"
    role = "a worker" if facts.members is None else "a manager"
    swarm = f"{role} of its swarm" if facts.swarm_state == "active" else "in no swarm"
    yield f"  engine {facts.version}, {swarm}; may run {' and '.join(host.runs)}"
    ahead_ms, error_ms = facts.clock.ahead_s * MS_PER_S, facts.clock.error_s * MS_PER_S
    yield (
        f"  {counted(facts.cpus, 'cores')}, {facts.memory_bytes / GIB:.1f} GiB of memory; "
        f"wall clock {ahead_ms:+.1f} ms from this machine's, within {error_ms:.1f} ms"
    )
    lacks = f"; it lacks {lacking} that another host has" if lacking else ""
    yield f"  {counted(len(facts.images), 'images')} of the lab{lacks}"
    if host.labels:
        yield f"  {', '.join(f'{name}: {text}' for name, text in host.labels.items())}"
