"""Runs one case on a backend and leaves in its folder all that analysis needs.

Which replica ended how: what the clients told, joined with how their programs ended.
"""

import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.wire.progress import Pulse
from labkit.workload.load_order import Order
from orchestrator.execution.backend import Backend, ClientEnd, StageOrder
from orchestrator.execution.fault_injector import FaultInjector
from orchestrator.execution.load_driver import Watch, drive
from orchestrator.results.archive import CASE, CLIENTS
from orchestrator.results.kernel_log import last_depth
from orchestrator.scenario.faults import Fault, are_proxied
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import SERVER_DEFAULTS, ServerSettings

START_MARGIN_S = 0.05
ENROL_S = 30.0
START_MARGIN_PER_REPLICA_S = 0.002


@dataclass(frozen=True)
class Steps:
    """Whom to tell how a case gets on.

    A step and a fault in words; the pulse of its load, with how many connections wait to be
    accepted, None where nobody knows.
    """

    on_step: Callable[[str], None]
    on_pulse: Callable[[Pulse, int | None], None]
    on_fault: Callable[[str], None]


def execute(scenario: Scenario, case: Case, backend: Backend, folder: Path, steps: Steps) -> None:
    """Run ``case`` and store its logs, samples and ends in ``folder``.

    Raises:
        BackendError: something could not be run; nothing of it is left, but the logs.
    """
    begun_s = time.monotonic()
    staged = StageOrder(
        model=case.model,
        environment=server_environment(case.server),
        limits=case.settings.limits,
        replicas=sum(group.replicas for group in case.groups),
        folder=folder,
        drain_timeout_s=SERVER_DEFAULTS.drain_timeout_s,
        target=scenario.target_of(case.model),
        is_proxied=are_proxied(scenario.faults),
        seed=scenario.seed,
        clients_vanish=any(order.behaviour == "vanish" for order in case.orders),
    )
    steps.on_step("starting")
    with backend.stage(staged) as stage:
        steps.on_step("under load")
        faults = _faults(scenario, case)
        with FaultInjector(faults, stage.server, scenario.seed, steps.on_fault) as timeline:
            watch = Watch(timeline.begin, lambda pulse: steps.on_pulse(pulse, last_depth(folder)))
            load_s = drive(stage.conductor, _order(scenario, case, stage.target), folder, watch)
        timeline.store(folder)
        steps.on_step("stopping")
        end = stage.end()
    attribute_exits(folder, end.clients)
    wall_s = time.monotonic() - begun_s
    ended = {
        "name": case.name,
        "inputs": case.inputs(),
        "server": case.server.complete().model_dump(exclude_none=True),
        "twin": discover_twins().get(case.model),
        "server_exit_code": end.server_exit_code,
        "client_exit_codes": end.client_exit_codes,
        "wall_s": round(wall_s, 6),
        "overhead_s": round(wall_s - load_s, 6),
    }
    (folder / CASE).write_text(json.dumps(ended, indent=1) + "\n", encoding="utf-8")


def _faults(scenario: Scenario, case: Case) -> list[Fault]:
    inputs = case.inputs()
    workers, backlog = int(inputs["workers"] or 1), int(inputs["backlog"] or 1)
    return [fault.against(workers, backlog) for fault in scenario.faults]


def server_environment(server: ServerSettings) -> dict[str, str]:
    """Return the server's whole configuration.

    An empty variable leaves the server its default, whatever the shell or `.env` says.
    """
    unset = {f"LAB_{name.upper()}": "" for name in ServerSettings.model_fields}
    return unset | server.environment() | {"LAB_LOG_FORMAT": "json", "LAB_LOG_LEVEL": "trace"}


def _order(scenario: Scenario, case: Case, target: str) -> Order:
    replicas = sum(group.replicas for group in case.groups)
    return Order(
        groups=case.orders,
        target=target,
        seed=case.seed,
        timeout_s=scenario.timeout_s,
        margin_s=START_MARGIN_S + START_MARGIN_PER_REPLICA_S * replicas,
        enrol_s=ENROL_S,
    )


KILLED = 128  # a shell's, and a container's, exit code for signal n is 128 + n


def attribute_exits(folder: Path, clients: Sequence[ClientEnd]) -> None:
    """Write the ``program`` and the ``exit_code`` of each replica into a case's ``clients.json``.

    A replica that was lost gives a code other than 0 among its reasons. Programs that never
    enrolled are, one each, those of the replicas that nobody came for.
    """
    path = folder / CLIENTS
    told = json.loads(path.read_text(encoding="utf-8"))
    left = list(clients)
    for replica in [*told["replicas"], *told["lost"]]:
        if replica["host"] is not None:
            _name(replica, _take(left, replica))
    nobodies = iter(left)
    for lost in told["lost"]:
        if lost["host"] is None:
            _name(lost, next(nobodies, None))
        if lost["exit_code"]:
            lost["reason"] += f", {lost['program']} {describe_exit(lost['exit_code'])}"
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def describe_exit(code: int) -> str:
    """Return how a program ended, for a person: ``was ended by SIGKILL``, ``ended with code 3``."""
    number = -code if code < 0 else code - KILLED
    if number in set(signal.Signals):
        return f"was ended by {signal.Signals(number).name}"
    return f"ended with exit code {code}"


def _take(left: list[ClientEnd], replica: Mapping[str, Any]) -> ClientEnd | None:
    """Remove from ``left``, and return, the program that enrolled as ``replica``."""
    for index, client in enumerate(left):
        if client.host == replica["host"] and client.pid in {None, replica["pid"]}:
            return left.pop(index)
    return None


def _name(replica: dict[str, Any], client: ClientEnd | None) -> None:
    replica["program"] = client.program if client else None
    replica["exit_code"] = client.exit_code if client else None
