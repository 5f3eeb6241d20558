"""Runs one case on a backend, and leaves everything that analysis needs in the case's folder."""

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from labkit.clock import own_clock_fields
from labkit.wire.progress import Pulse
from labkit.workload.load_order import Order
from orchestrator.execution.abort import AbortWatch
from orchestrator.execution.backend import Backend, ClientEnd, StageEnd, StageOrder
from orchestrator.execution.fault_injector import FaultInjector
from orchestrator.execution.fault_requests import inherited_requests
from orchestrator.execution.load_driver import ClientReports, Watch, drive
from orchestrator.results.archive import CASE, write_whole
from orchestrator.results.kernel_log import last_depth
from orchestrator.results.strict_json import to_json
from orchestrator.scenario.faults import Fault, are_proxied
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import SERVER_DEFAULTS, ServerSettings

START_MARGIN_S = 0.05
ENROL_S = 30.0
START_MARGIN_PER_REPLICA_S = 0.002
KILLED = 128  # a shell's, and a container's, exit code for signal n is 128 + n


@dataclass(frozen=True)
class ProgressCallbacks:
    """Callbacks with the progress of a case.

    ``on_step`` and ``on_fault`` get a text; ``on_pulse`` the progress of the load and the depth of
    the accept queue, None if unknown; ``on_wait`` what is waited for from now on.
    """

    on_step: Callable[[str], None]
    on_pulse: Callable[[Pulse, int | None], None]
    on_fault: Callable[[str], None]
    on_wait: Callable[[str], None] = lambda _: None


def execute(
    scenario: Scenario, case: Case, backend: Backend, folder: Path, progress: ProgressCallbacks
) -> None:
    """Run ``case`` and store its logs, samples and exit codes in ``folder``.

    Raises:
        BackendError: a program could not be run; everything but the logs has been removed.
    """
    begun_s = time.monotonic()
    complete = partial(_complete, case)
    faults = [complete(fault) for fault in scenario.faults]
    progress.on_step("starting")
    stage_order = replace(_stage_order(scenario, case, folder), on_wait=progress.on_wait)
    with inherited_requests(complete, folder) as requests, backend.stage(stage_order) as stage:
        progress.on_step("under load")
        progress.on_wait("the clients and the server, under load")
        with FaultInjector(
            faults, stage.server, case.seed, progress.on_fault, requests
        ) as injector:
            abort = AbortWatch(scenario.abort, case.inputs(), scenario.warmup_s)
            watch = Watch(
                injector.begin,
                lambda now: progress.on_pulse(now, last_depth(folder)),
                stage.read_host,
                stage.check_programs,
                abort.is_hopeless,
            )
            order = _order(scenario, case, stage.target)
            reports = drive(stage.conductor, order, folder, watch, stage.secret)
            progress.on_wait("the end of the faults")
        injector.store(folder)
        progress.on_step("stopping")
        stop_asked_ns = time.monotonic_ns()
        end = stage.end()
    attribute_exits(reports, end.clients)
    reports.store(folder)
    record = _record(case, end, time.monotonic() - begun_s, reports.load_s)
    record["stop_asked_ns"] = stop_asked_ns
    record["aborted"] = abort.found and abort.found.model_dump()
    write_whole(folder / CASE, to_json(record, indent=1) + "\n")


def _stage_order(scenario: Scenario, case: Case, folder: Path) -> StageOrder:
    return StageOrder(
        model=case.model,
        environment=server_environment(case.server),
        limits=case.settings.limits,
        interpreter=None if scenario.target_of(case.model) else case.interpreter,
        replicas=sum(group.replicas for group in case.groups),
        folder=folder,
        drain_timeout_s=SERVER_DEFAULTS.drain_timeout_s,
        target=scenario.target_of(case.model),
        is_proxied=are_proxied(scenario.faults),
        seed=case.seed,
        clients_vanish=any(order.behaviour == "vanish" for order in case.orders),
        placed_on=case.placed_on,
    )


def _complete(case: Case, fault: Fault) -> Fault:
    inputs = case.inputs()
    return fault.against(int(inputs["workers"] or 1), int(inputs["backlog"] or 1))


def _record(case: Case, end: StageEnd, wall_s: float, load_s: float) -> dict[str, object]:
    """Return what ``case.json`` stores: settings, seed, exit codes, times and their clock."""
    return {
        "name": case.name,
        "seed": case.seed,
        "inputs": case.inputs(),
        "server": case.server.complete().model_dump(exclude_none=True),
        "twin": discover_twins().get(case.model),
        "server_exit_code": end.server_exit_code,
        "server_ends_ns": list(end.server_ends_ns),
        "client_exit_codes": end.client_exit_codes,
        "out_of_memory": end.out_of_memory,
        "is_one_host": end.is_one_host,
        "clock": own_clock_fields(),
        "wall_s": round(wall_s, 6),
        "overhead_s": round(wall_s - load_s, 6),
    }


def server_environment(server: ServerSettings) -> dict[str, str]:
    """Return the server's whole configuration.

    An empty variable leaves the server its default, so that the shell and `.env` have no effect.
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


def attribute_exits(reports: ClientReports, clients: Sequence[ClientEnd]) -> None:
    """Add to each replica of ``reports`` its ``program`` and the program's ``exit_code``.

    The exit code of a lost replica, unless 0, is added to its reason. Replicas that never enrolled
    get the remaining programs, one each.
    """
    remaining = list(clients)
    for replica in [*reports.replicas, *reports.lost]:
        if replica["host"] is not None:
            _set_program(replica, _take(remaining, replica))
    never_enrolled = iter(remaining)
    for lost in reports.lost:
        if lost["host"] is None:
            _set_program(lost, next(never_enrolled, None))
        if lost["exit_code"]:
            lost["reason"] += f", {lost['program']} {describe_exit(lost['exit_code'])}"


def describe_exit(code: int) -> str:
    """Return how a program ended: ``was ended by SIGKILL``, ``ended with exit code 3``."""
    number = -code if code < 0 else code - KILLED
    if number in set(signal.Signals):
        return f"was ended by {signal.Signals(number).name}"
    return f"ended with exit code {code}"


def _take(remaining: list[ClientEnd], replica: Mapping[str, Any]) -> ClientEnd | None:
    """Remove from ``remaining``, and return, the program that enrolled as ``replica``."""
    for index, client in enumerate(remaining):
        if client.host == replica["host"] and client.pid in {None, replica["pid"]}:
            return remaining.pop(index)
    return None


def _set_program(replica: dict[str, Any], client: ClientEnd | None) -> None:
    replica["program"] = client.program if client else None
    replica["exit_code"] = client.exit_code if client else None
