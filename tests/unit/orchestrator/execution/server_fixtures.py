"""A server that records what faults do to it."""

import threading
import time
from collections.abc import Mapping

from orchestrator.execution.backend import BackendError, Crowd


class RecordingServer:
    """A server that records what is done to it; ``done`` is set by the action ``last``."""

    def __init__(self, last: str = "", *, is_gone: bool = False) -> None:
        self.actions: list[str] = []
        self.reports: list[str] = []
        self.done = threading.Event()
        self._last = last
        self._is_gone = is_gone

    def _record(self, action: str) -> None:
        if self._is_gone:
            raise BackendError("the server has gone")
        self.actions.append(action)
        if action == self._last:
            self.done.set()

    def is_lost(self) -> bool:
        return self._is_gone

    def check_running(self) -> None:
        if self._is_gone:
            raise BackendError("the server has gone")

    def pause(self) -> None:
        self._record("pause")

    def resume(self) -> None:
        self._record("resume")

    def limit_cpus(self, cpus: float | None) -> None:
        self._record(f"cpus {cpus}")

    def workers(self) -> list[int]:
        return [1, 2, 3]

    def kill_worker(self, index: int) -> int:
        self._record(f"kill {index}")
        return time.monotonic_ns()

    def reload(self) -> int:
        self._record("reload")
        return time.monotonic_ns()

    def stop(self, *, is_killed: bool) -> int:
        self._record("kill" if is_killed else "terminate")
        return time.monotonic_ns()

    def restart(self) -> None:
        self._record("restart")

    @property
    def toxics(self) -> "RecordingServer":
        return self

    def add(self, toxic: Mapping[str, object]) -> int:
        self._record(f"{toxic['type']} {toxic['attributes']}")
        return time.monotonic_ns()

    def lift(self, name: str) -> None:
        self._record(f"lift {name}")

    def prepare_disconnect(self) -> None:
        pass

    def disconnect(self) -> int:
        self._record("disconnect")
        return time.monotonic_ns()

    def reconnect(self) -> None:
        self._record("reconnect")

    def prepare_disconnect_host(self, host: str) -> None:
        self._record(f"prepare to disconnect {host}")

    def disconnect_host(self, host: str) -> int:
        self._record(f"disconnect {host}")
        return time.monotonic_ns()

    def reconnect_host(self, host: str) -> None:
        self._record(f"reconnect {host}")

    def prepare_crowd(self, name: str, crowd: Crowd) -> None:
        self._record(f"prepare {crowd.connections} for {crowd.lasts_s} s: {name}")

    def fill_backlog(self, name: str) -> int:
        self._record(f"fill backlog: {name}")
        return time.monotonic_ns()

    def release_backlog(self, name: str) -> None:
        self._record(f"release backlog: {name}")
