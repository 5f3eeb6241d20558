"""Values that pages follow: each page asks for those that have changed since it asked before."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping

from orchestrator.results.strict_json import to_json

PHASE, ENDED = "phase", "ended"
LOOK_EVERY_S = 0.1


class Board:
    """Named values with the version in which each was set; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._values: dict[str, tuple[int, object]] = {}

    def set(self, values: Mapping[str, object]) -> None:
        """Set ``values``; those that stay the same do not count as changed."""
        with self._lock:
            known = {name: value for name, (_, value) in self._values.items()}
            changed = {
                name: value
                for name, value in values.items()
                if name not in known or known[name] != value
            }
            if changed:
                self._version += 1
                self._values |= {name: (self._version, value) for name, value in changed.items()}

    def since(self, version: int) -> tuple[int, dict[str, object]]:
        """Return the version now, and the values that have changed since ``version``."""
        with self._lock:
            changed = {n: value for n, (set_in, value) in self._values.items() if set_in > version}
            return self._version, changed


async def followed(board: Board) -> AsyncIterator[str]:
    """Yield the values as JSON, a line for each change of some, until the phase is `ENDED`."""
    version, values = board.since(0)
    while True:
        if values:
            yield to_json(values) + "\n"
        if values.get(PHASE) == ENDED:
            return
        await asyncio.sleep(LOOK_EVERY_S)
        version, values = board.since(version)
