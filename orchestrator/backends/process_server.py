"""The server of a case as a local process, to do something to it."""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.backends.base import BackendError, StageOrder, Toxics, events
from orchestrator.backends.program import POLL_S, Program
from orchestrator.backends.told import CROWD, crowd_pid, worker_pid, worker_pids
from orchestrator.backends.toxics import SERVICE, ToxicControl, proxy_settings

GRACE_S = 5.0
CROWD_DEADLINE_S = 20.0
LOOPBACK = "127.0.0.1"

Run = Callable[[str, list[str], Mapping[str, str]], Program]
"""Runs a program of the stage: its name, its arguments, its environment."""


class ProcessServer:
    """The server's program; ``run`` starts those that a fault needs."""

    def __init__(self, order: StageOrder, run: Run) -> None:
        self._order = order
        self._run = run
        self.program = self._started(port=0)
        self.port = self.program.listening_port()
        self._crowd: Program | None = None
        self.proxy_port = 0
        self.toxics: Toxics = ToxicControl(None)
        if order.is_proxied:
            self._put_behind_proxy()

    def _put_behind_proxy(self) -> None:
        settings = proxy_settings(f"{LOOPBACK}:{self.port}", LOOPBACK, self._order.seed)
        any_port = {"LAB_PROXY_PORT": "0", "LAB_PROXY_CONTROL_PORT": "0"}
        proxy = self._run(SERVICE, ["-m", "faultproxy"], settings | any_port)
        self.proxy_port = proxy.listening_port()
        (listening,) = events(proxy.log, "listening")
        self.toxics = ToxicControl((LOOPBACK, int(str(listening["control_port"]))))

    def _started(self, port: int) -> Program:
        settings = {"LAB_HOST": LOOPBACK, **self._order.environment, "LAB_PORT": str(port)}
        return self._run("server", ["-m", f"services.{self._order.model}.server"], settings)

    def pause(self) -> None:
        """Stop the server and all it forked."""
        self.program.signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue them."""
        self.program.signal_all(signal.SIGCONT)

    def limit_cpus(self, _cpus: float | None) -> None:
        """Refuse.

        Raises:
            BackendError: always.
        """
        raise BackendError("a CPU limit is that of a container; use --backend docker")

    def workers(self) -> list[int]:
        """Return the workers that the server's log tells of."""
        return sorted(worker_pids(self.program.log))

    def kill_worker(self, index: int) -> None:
        """Kill one worker process.

        Raises:
            BackendError: there is none of that index, or it is a thread.
        """
        pid = worker_pid(self.program.log, index)
        if not any(line == f"Tgid:\t{pid}" for line in _status(pid)):
            raise BackendError(f"worker {index} is no process that could be killed alone")
        os.kill(pid, signal.SIGKILL)

    def stop(self, *, is_killed: bool) -> None:
        """Tell the server to stop, or kill it and all it forked."""
        if is_killed:
            self.program.signal_all(signal.SIGKILL)
        else:
            self.program.signal(signal.SIGTERM)

    def restart(self) -> None:
        """Start the server again at the same port, its log behind the one before."""
        self.program.wait(self._order.drain_timeout_s + GRACE_S)
        starts = len(list(events(self.program.log, "listening")))
        self.program = self._started(self.port)
        self.program.listening_port(starts)

    def disconnect(self) -> None:
        """Refuse.

        Raises:
            BackendError: always.
        """
        raise BackendError("a network of its own is that of a container; use --backend docker")

    def reconnect(self) -> None:
        """Do nothing, for nothing was done."""

    def crowd(self, connections: int, lasts_s: float) -> None:
        """Have a program open connections; return when they stand.

        Raises:
            BackendError: they do not.
        """
        target = f"{LOOPBACK}:{self.port}"
        self._crowd = self._run("crowd", [*CROWD, target, str(connections), str(lasts_s)], {})
        waiting = Retrying(
            retry=retry_if_result(lambda pid: pid is None),
            stop=stop_after_delay(CROWD_DEADLINE_S),
            wait=wait_fixed(POLL_S),
            retry_error_callback=lambda _state: None,
        )
        if waiting(lambda crowd: crowd_pid(crowd.log), self._crowd) is None:
            raise BackendError("no crowd of connections came about; see crowd.stderr")

    def disperse(self) -> None:
        """End the program that holds them."""
        if self._crowd is not None:
            self._crowd.kill()


def _status(pid: int) -> list[str]:
    """Return the lines of a process's status, none where it has gone; proc(5)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text().splitlines()
    return []
