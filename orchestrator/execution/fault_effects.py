"""What each kind of fault does to the server, how it is reverted, and what overlapping means.

Faults that change one state of the server (paused, its CPU limit, its network) are a stack for
each kind: the one that began last applies, and when it ends, the one before it applies again.
Toxics, crowds and ends of the server do not share a state.
"""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from faultproxy.toxics import TOXICS
from orchestrator.execution.backend import Crowd, Server
from orchestrator.scenario.faults import (
    CPU_LIMIT,
    DISCONNECT,
    DISCONNECT_HOST,
    ENDING,
    FILL_BACKLOG,
    KILL,
    KILL_WORKER,
    PAUSE,
    RELOAD,
    TERMINATE,
    Fault,
)


class DueFault(NamedTuple):
    """A fault whose worker and numbers are decided, its name in this run, and when it is due."""

    name: str
    due_ns: int
    fault: Fault


class State(NamedTuple):
    """A state of the server: which value a fault gives it, and what sets it; None is normal.

    ``put`` returns the instant at which it was set, None if that is when it returns. ``prepare``
    does what takes time, ahead of that instant.
    """

    value: Callable[[Fault], float | bool | None]
    put: Callable[[Server, Any], int | None]
    prepare: Callable[[Server, DueFault], None] | None = None


class Action(NamedTuple):
    """What a fault does, and what reverts it.

    ``inject`` returns the instant at which it took effect, None if that is when it returns.
    ``prepare`` starts what takes time, ahead of that instant.
    """

    inject: Callable[[Server, DueFault], int | None]
    revert: Callable[[Server, DueFault], None] | None = None
    prepare: Callable[[Server, DueFault], None] | None = None


STATES: Mapping[str, State] = {
    PAUSE: State(
        lambda _: True, lambda server, is_on: server.pause() if is_on else server.resume()
    ),
    CPU_LIMIT: State(lambda fault: fault.cpus, lambda server, cpus: server.limit_cpus(cpus)),
    DISCONNECT: State(
        lambda _: True,
        lambda server, is_on: server.disconnect() if is_on else server.reconnect(),
        lambda server, _: server.prepare_disconnect(),
    ),
}

_TOXIC = Action(
    lambda server, due: server.toxics.add(due.fault.toxic(due.name)),
    lambda server, due: server.toxics.lift(due.name),
)

ACTIONS: Mapping[str, Action] = {
    KILL_WORKER: Action(lambda server, due: server.kill_worker(int(due.fault.worker or 0))),
    RELOAD: Action(lambda server, _: server.reload()),
    TERMINATE: Action(
        lambda server, _: server.stop(is_killed=False), lambda server, _: server.restart()
    ),
    KILL: Action(lambda server, _: server.stop(is_killed=True), lambda server, _: server.restart()),
    FILL_BACKLOG: Action(
        lambda server, due: server.fill_backlog(due.name),
        lambda server, due: server.release_backlog(due.name),
        lambda server, due: server.prepare_crowd(due.name, _crowd(due)),
    ),
    DISCONNECT_HOST: Action(
        lambda server, due: server.disconnect_host(due.fault.host or ""),
        lambda server, due: server.reconnect_host(due.fault.host or ""),
        lambda server, due: server.prepare_disconnect_host(due.fault.host or ""),
    ),
    **dict.fromkeys(TOXICS, _TOXIC),
}


def needs_preparation(fault: Fault) -> bool:
    """Return whether a fault is in time only if `Effects.prepare` is called ahead."""
    return _preparation(fault) is not None


def _preparation(fault: Fault) -> Callable[[Server, DueFault], None] | None:
    return (STATES.get(fault.fault) or ACTIONS[fault.fault]).prepare


def _crowd(due: DueFault) -> Crowd:
    return Crowd(due.fault.crowd or 0, due.due_ns, due.fault.lasts_s)


class Effects:
    """The faults in effect on ``server``."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._stacks: defaultdict[str, list[DueFault]] = defaultdict(list)

    def prepare(self, due: DueFault) -> None:
        """Start what the fault needs when it is due."""
        if prepare := _preparation(due.fault):
            prepare(self._server, due)

    def begin(self, due: DueFault) -> int | None:
        """Inject a fault; return the instant of its effect, None if that is now.

        If this fails, what may have been done of it is reverted.
        """
        try:
            if due.fault.fault in STATES:
                return self._change(due.fault.fault, [*self._stacks[due.fault.fault], due])
            return ACTIONS[due.fault.fault].inject(self._server, due)
        except Exception:
            self._undo_failed(due)
            raise

    def end(self, due: DueFault) -> None:
        """Revert a fault that is in effect."""
        kind = due.fault.fault
        if kind in STATES:
            self._change(kind, [each for each in self._stacks[kind] if each.name != due.name])
        elif revert := ACTIONS[kind].revert:
            revert(self._server, due)

    def _change(self, kind: str, stack: list[DueFault]) -> int | None:
        """Set the state that the top of ``stack`` asks for, unless it is set already."""
        state = STATES[kind]
        before, after = (
            state.value(of[-1].fault) if of else None for of in (self._stacks[kind], stack)
        )
        since_ns = state.put(self._server, after) if after != before else None
        self._stacks[kind] = stack
        return since_ns

    def _undo_failed(self, due: DueFault) -> None:
        """Revert a fault of which a part may have been done; a server is not started twice."""
        kind = due.fault.fault
        with contextlib.suppress(Exception):
            if kind in STATES:
                stack = self._stacks[kind]
                STATES[kind].put(
                    self._server, STATES[kind].value(stack[-1].fault) if stack else None
                )
            elif kind not in ENDING:
                self.end(due)
