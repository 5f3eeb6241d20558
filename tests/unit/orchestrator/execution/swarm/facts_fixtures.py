"""Hosts of a swarm, as their engines would describe them."""

from dataclasses import replace

from orchestrator.execution.swarm.facts import HostFacts, Node, WallClock

READY = Node("ready", "active")
MANAGER = HostFacts(
    name="first",
    version="20.10.24",
    cpus=2,
    memory_bytes=3 << 30,
    swarm_state="active",
    node_id="n1",
    members={"n1": READY, "n2": READY},
    images={},
    clock=WallClock(0.0, 0.001),
)
WORKER = replace(MANAGER, name="second", node_id="n2", members=None)
