"""What faults can do to the server of a stage, and to its connections, on every backend."""

from collections.abc import Mapping
from typing import Protocol


class Toxics(Protocol):
    """The toxics of a fault proxy, as it reads them: maps with a name; see faultproxy/README.md."""

    def add(self, toxic: Mapping[str, object]) -> None:
        """Have one more work. Raises `BackendError` where the proxy cannot, or is not there."""

    def lift(self, name: str) -> None:
        """Have it work no more. Raises `BackendError` likewise."""


class Server(Protocol):
    """The running server of one case. Each raises `BackendError` where it cannot be done."""

    @property
    def toxics(self) -> Toxics:
        """What the fault proxy before it does to its connections."""

    def pause(self) -> None:
        """Have the whole server stand still."""

    def resume(self) -> None:
        """Have it go on."""

    def limit_cpus(self, cpus: float | None) -> None:
        """Give it no more CPUs than that; None takes the limit away again."""

    def workers(self) -> list[int]:
        """Return the indexes of the worker processes or threads that have started."""

    def kill_worker(self, index: int) -> None:
        """Kill one worker process."""

    def stop(self, *, is_killed: bool) -> None:
        """Tell it to stop, or kill it."""

    def restart(self) -> None:
        """Wait until it has ended, start it again, and wait until it listens."""

    def disconnect(self) -> None:
        """Take it off its network; it keeps its address and its connections."""

    def reconnect(self) -> None:
        """Put it back."""

    def crowd(self, connections: int, lasts_s: float) -> None:
        """Open so many connections to it that say nothing, for so long at most."""

    def disperse(self) -> None:
        """Close them."""
