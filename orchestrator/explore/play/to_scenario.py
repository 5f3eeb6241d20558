"""The scenario of controls: valid, and the same as the YAML that the page shows."""

from typing import Any

import yaml

from orchestrator.explore.play.controls import CONSTANT, EXPONENTIAL, HIGHER, Controls
from orchestrator.measures.sentences import counted
from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD
from orchestrator.scenario.models import discover_models
from orchestrator.scenario.scenario import Scenario

MAIN, ARRIVING, LONG, SILENT = "users", "arrivals", "long", "silent"
"""The names of the groups."""

LEAD_MS = 50
"""How much earlier than all others the long message and the silent client come."""

HIGHER_SCV = 4
LAWS = {
    CONSTANT: "{ms}ms",
    EXPONENTIAL: "exponential({ms}ms)",
    HIGHER: f"hyperexponential({{ms}}ms, scv={HIGHER_SCV})",
}
"""The distribution of each variability; squared coefficients of variation of 0, 1 and 4."""

USUAL_TIMEOUT_S, MOST_TIMEOUT_S = 120, 3600
MARGIN_S = 10


def scenario_of(controls: Controls) -> Scenario:
    """Return the scenario of ``controls``."""
    context = {"known_models": discover_models(), MAX_LOAD: RUN_LOAD}
    return Scenario.model_validate(_data(controls), context=context)


def yaml_of(controls: Controls) -> str:
    """Return the scenario of ``controls`` as a file, of lines that are short enough for a page."""
    return yaml.safe_dump(
        _data(controls), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )


def _data(controls: Controls) -> dict[str, Any]:
    """Return the scenario as plain data, in the order of a file."""
    clients = [*_earlier_groups(controls), _main_group(controls)]
    if clients[1:]:
        clients[-1]["start"] = f"{LEAD_MS}ms"
    timeout_s = min(USUAL_TIMEOUT_S + _work_s(controls), MOST_TIMEOUT_S)
    return {
        "intent": _intent(controls),
        "models": list(controls.models),
        "server": {"workers": controls.workers, "backlog": controls.backlog},
        "clients": clients,
        **({"timeout": f"{timeout_s}s"} if timeout_s > USUAL_TIMEOUT_S + MARGIN_S else {}),
    }


def _intent(controls: Controls) -> str:
    workers = counted(controls.workers, "workers")
    if controls.is_open:
        return f"{workers}, {controls.rate_per_s} arrivals per second: who waits for whom?"
    return f"{workers}, {counted(controls.users, 'users')}: who waits for whom?"


def _work_s(controls: Controls) -> int:
    """Return the service and think times of all messages, one after another, in whole seconds."""
    if controls.is_open:
        messages, think_ms = controls.rate_per_s * controls.seconds, 0
    else:
        messages, think_ms = controls.users * controls.messages, controls.think_ms
    total_ms = messages * (controls.service_ms + think_ms)
    return (total_ms + controls.long_ms + controls.silent_ms) // 1000


def _demand(controls: Controls) -> str:
    return f"{controls.work}={LAWS[controls.variability].format(ms=controls.service_ms)}"


def _main_group(controls: Controls) -> dict[str, Any]:
    if controls.is_open:
        return {
            "name": ARRIVING,
            "executor": "open",
            "rate": f"{controls.rate_per_s}/s",
            "duration": f"{controls.seconds}s",
            "connections": "each",
            "arrivals": controls.arrivals,
            "demand": _demand(controls),
        }
    return {
        "name": MAIN,
        "executor": "closed",
        "users": controls.users,
        "messages": controls.messages,
        "demand": _demand(controls),
        **({"think_time": f"{controls.think_ms}ms"} if controls.think_ms else {}),
    }


def _earlier_groups(controls: Controls) -> list[dict[str, Any]]:
    one = {"executor": "closed", "users": 1}
    groups: list[dict[str, Any]] = []
    if controls.silent_ms:
        silent = {"behaviour": "silent", "duration": f"{controls.silent_ms}ms"}
        groups.append({"name": SILENT, **one, **silent})
    if controls.long_ms:
        demand = f"{controls.work}={controls.long_ms}ms"
        groups.append({"name": LONG, **one, "messages": 1, "demand": demand})
    return groups
