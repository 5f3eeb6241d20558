"""The client of the fault proxy's control port: sets the toxics of a case."""

import socket
import time
from collections.abc import Mapping

from labkit.wire.wire import Channel, WireError
from orchestrator.execution.backend import BackendError

DEADLINE_S = 10.0

SERVICE = "faultproxy"
PORT, CONTROL_PORT = 3200, 3201


def proxy_settings(target: str, host: str, seed: int) -> dict[str, str]:
    """Return the environment of a proxy before ``target``, ``host:port``, without its ports.

    It starts without toxics, whatever `.env` says. The run's secret is passed apart from this,
    since settings are stored with the results.
    """
    settings = {"TARGET": target, "HOST": host, "SEED": str(seed), "TOXICS": ""}
    return {f"LAB_PROXY_{name}": value for name, value in settings.items()}


class ToxicControl:
    """Adds and lifts toxics; ``address`` is None if the case has no proxy.

    The proxy obeys those that send the ``secret`` of the run. ``is_own_clock``: its clock is ours;
    otherwise an instant is that of its answer here.
    """

    def __init__(
        self, address: tuple[str, int] | None, secret: str = "", *, is_own_clock: bool = True
    ) -> None:
        self._address = address
        self._is_own_clock = is_own_clock
        self._secret = secret
        self._toxics: dict[str, Mapping[str, object]] = {}

    def add(self, toxic: Mapping[str, object]) -> int:
        """Put ``toxic`` into effect, on open connections too; return the instant of that."""
        return self._set({**self._toxics, str(toxic["name"]): toxic})

    def lift(self, name: str) -> None:
        """Remove the toxic called ``name``."""
        self._set({key: toxic for key, toxic in self._toxics.items() if key != name})

    def _set(self, toxics: dict[str, Mapping[str, object]]) -> int:
        """Make ``toxics`` the only ones in effect; return since when they are.

        Raises:
            BackendError: there is no proxy, it does not answer, or it refuses.
        """
        if self._address is None:
            raise BackendError("there is no fault proxy in this case")
        try:
            with Channel(socket.create_connection(self._address, DEADLINE_S)) as channel:
                channel.send("toxics", secret=self._secret, toxics=list(toxics.values()))
                answer = channel.receive()
                answered_ns = time.monotonic_ns()
        except (OSError, WireError) as exc:
            raise BackendError(f"the fault proxy does not answer: {exc}") from exc
        if answer["type"] != "in_effect":
            raise BackendError(f"the fault proxy refuses: {answer.get('reason')}")
        self._toxics = toxics
        return int(answer["t_ns"]) if self._is_own_clock else answered_ns
