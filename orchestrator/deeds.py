"""What each kind of fault does to a server, and how that is undone."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from faultproxy.toxics import TOXICS
from orchestrator.backends.served import Server
from orchestrator.scenario.faults import (
    CPU_LIMIT,
    DISCONNECT,
    FILL_BACKLOG,
    KILL,
    KILL_WORKER,
    PAUSE,
    TERMINATE,
    Fault,
)


class Deed(NamedTuple):
    """What to do, and what ends it where the fault lasts; whom and how many is decided by then."""

    do: Callable[[Server, Fault], None]
    undo: Callable[[Server, Fault], None] | None = None


TOXIC = Deed(
    lambda server, fault: server.toxics.add(fault.toxic),
    lambda server, fault: server.toxics.lift(fault.toxic["name"]),
)

DEEDS: Mapping[str, Deed] = {
    PAUSE: Deed(lambda server, _: server.pause(), lambda server, _: server.resume()),
    KILL_WORKER: Deed(lambda server, fault: server.kill_worker(int(fault.worker or 0))),
    TERMINATE: Deed(
        lambda server, _: server.stop(is_killed=False), lambda server, _: server.restart()
    ),
    KILL: Deed(lambda server, _: server.stop(is_killed=True), lambda server, _: server.restart()),
    CPU_LIMIT: Deed(
        lambda server, fault: server.limit_cpus(fault.cpus),
        lambda server, _: server.limit_cpus(None),
    ),
    DISCONNECT: Deed(lambda server, _: server.disconnect(), lambda server, _: server.reconnect()),
    FILL_BACKLOG: Deed(
        lambda server, fault: server.crowd(fault.crowd or 0, fault.lasts_s),
        lambda server, _: server.disperse(),
    ),
    **dict.fromkeys(TOXICS, TOXIC),
}
