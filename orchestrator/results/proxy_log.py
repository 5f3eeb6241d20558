"""The log of a run's fault proxy: which toxics were in effect, and since when.

Read with bounds: the proxy is our program, but a log is a file like any other.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROXY_LOG = "faultproxy.log"
MAX_BYTES = 4_000_000
MAX_NS = 1 << 63
KINDS = frozenset({"listening", "toxics_changed", "stopped"})


@dataclass(frozen=True)
class ToxicsChange:
    """The toxics since ``t_ns`` of CLOCK_MONOTONIC; None if a run of an older version hides them.

    Each is as it was requested; the toxics that a proxy starts with are its first change.
    """

    t_ns: int
    toxics: tuple[Mapping[str, Any], ...] | None


@dataclass(frozen=True)
class ProxyLog:
    """Each change of the toxics, in order, and what is wrong with the log."""

    changes: tuple[ToxicsChange, ...] = ()
    gaps: tuple[str, ...] = ()


def read_proxy_log(folder: Path) -> ProxyLog:
    """Return the log of the proxy in ``folder``, which must have had one."""
    path = folder / PROXY_LOG
    if not path.is_file():
        return ProxyLog(gaps=(f"{PROXY_LOG} is missing",))
    if path.stat().st_size > MAX_BYTES:
        return ProxyLog(gaps=(f"{PROXY_LOG} has more than {MAX_BYTES} bytes",))
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    read = [_event(line) for line in lines]
    strange = [number for number, event in enumerate(read, start=1) if event is None]
    events = [event for event in read if event is not None]
    gaps = []
    if strange:
        others = f"; further such lines: {len(strange) - 1}" if len(strange) > 1 else ""
        gaps.append(f"{PROXY_LOG}:{strange[0]} is not an event of the proxy{others}")
    if not events or events[0]["event"] != "listening":
        gaps.append(f"{PROXY_LOG} does not begin with the event listening")
    if not events or events[-1]["event"] != "stopped":
        gaps.append(f"{PROXY_LOG} does not end with the event stopped")
    changed = [each for each in events if each["event"] in {"listening", "toxics_changed"}]
    return ProxyLog(tuple(map(_change, changed)), tuple(gaps))


def _event(line: str) -> Mapping[str, Any] | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or str(event.get("event")) not in KINDS:
        return None
    specs = event.get("specs", [])
    is_list = isinstance(specs, list) and all(isinstance(each, dict) for each in specs)
    t_ns = event.get("t_ns")
    is_instant = isinstance(t_ns, int) and not isinstance(t_ns, bool) and 0 <= t_ns < MAX_NS
    return event if is_list and is_instant else None


def _change(event: Mapping[str, Any]) -> ToxicsChange:
    specs = event.get("specs")  # older proxies logged names only
    return ToxicsChange(event["t_ns"], None if specs is None else tuple(specs))
