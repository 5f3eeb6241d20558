"""Faults that a person asks for while a server is under load, and the socket that carries them.

`FaultAsker` is in the program that started the run, `FaultRequests` in the run. The socket is
inherited, its descriptor is in an environment variable, and it keeps the bounds of messages. A run
answers each request at once or, if no server is under load, not at all: so a request has the
instant at which it was asked, and one that waited is refused.
"""

import contextlib
import math
import os
import select
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.execution.backend import BackendError
from orchestrator.results.strict_json import read_json, to_json
from orchestrator.scenario.faults import Fault

FAULT_SOCKET = "SERVER_MODELS_LAB_FAULT_SOCKET"
"""The environment variable with the descriptor of a run's end of the socket."""

MOST_BYTES = 4096
MOST_AGE_NS = 1_000_000_000
"""A request that is older comes from before the load, or the run could not answer it."""

ANSWER_S = 3.0
"""It includes the time that an engine needs to kill a process in a container."""

NO_LOAD = "no server is under load now"
TOO_OLD = "the run was busy with another fault"
HAS_ENDED = "the run has ended"


class FaultRequest(NamedTuple):
    """A fault that is asked for: when, in ns of CLOCK_MONOTONIC, its kind, how long it lasts."""

    asked_ns: int
    fault: str
    lasts: str | None


class FaultAsker:
    """The end of the program that starts a run, and ``run_end``, the descriptor for that run."""

    def __init__(self) -> None:
        self._own, self._run = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()

    @property
    def run_end(self) -> int:
        """The descriptor that the run inherits."""
        return self._run.fileno()

    def started(self) -> None:
        """Close the run's end here, since the run has it; so its end is noticed."""
        self._run.close()

    def close(self) -> None:
        """Close the own end; who asks, or waits for an answer, gets `HAS_ENDED`."""
        with contextlib.suppress(OSError):
            self._own.shutdown(socket.SHUT_RDWR)  # wakes who waits, before the number is free
        with self._lock:
            self._own.close()

    def ask(self, fault: str, lasts: str | None) -> str:
        """Ask for a fault; return why it is refused or failed, empty if it is not.

        It blocks for at most `ANSWER_S`, and longer only while others ask.
        """
        with self._lock:
            request = FaultRequest(time.monotonic_ns(), fault, lasts)
            try:
                self._own.settimeout(ANSWER_S)
                self._own.send(to_json(request._asdict()).encode())
                return self._answer_to(request)
            except TimeoutError:
                return NO_LOAD
            except OSError:
                return HAS_ENDED

    def _answer_to(self, request: FaultRequest) -> str:
        """Wait for the answer; those to earlier requests came too late."""
        while message := self._own.recv(MOST_BYTES):
            answer = read_json(message)
            if answer["asked_ns"] == request.asked_ns:
                return str(answer["refusal"])
        return HAS_ENDED


class FaultRequests:
    """The run's end while a server is under load: what is asked for, until `wake`.

    ``complete`` adds to a fault what depends on the settings of the server. In ``folder`` the
    records of faults are stored when the load begins and whenever a fault begins or ends, for the
    program that asks.
    """

    def __init__(
        self, end: socket.socket, complete: Callable[[Fault], Fault], folder: Path
    ) -> None:
        self.complete = complete
        self.folder = folder
        self._end = end
        self._is_open = True
        self._woken = os.eventfd(0, os.EFD_CLOEXEC)

    def close(self) -> None:
        """Close the descriptors."""
        self._end.close()
        os.close(self._woken)

    def wake(self) -> None:
        """End a wait, and all later ones at once; safe from another thread."""
        os.eventfd_write(self._woken, 1)

    def wait(self, timeout_s: float | None) -> FaultRequest | None:
        """Return a request once there is one, None after ``timeout_s``, or if it is woken."""
        watched = select.poll()
        watched.register(self._woken, select.POLLIN)
        if self._is_open:
            watched.register(self._end, select.POLLIN)
        ready = watched.poll(None if timeout_s is None else math.ceil(timeout_s * 1000))
        is_woken = any(descriptor == self._woken for descriptor, _ in ready)
        return self._receive() if ready and not is_woken else None

    def answer(self, request: FaultRequest, refusal: str) -> None:
        """Say why ``request`` is refused, or with an empty text that it is not."""
        text = to_json({"asked_ns": request.asked_ns, "refusal": refusal[: MOST_BYTES // 8]})
        with contextlib.suppress(OSError):  # nobody waits for it any more
            self._end.send(text.encode(errors="replace"), socket.MSG_DONTWAIT)

    def _receive(self) -> FaultRequest | None:
        try:
            message = self._end.recv(MOST_BYTES)
        except OSError:
            message = b""
        self._is_open = bool(message)
        return _request_of(message)


def _request_of(message: bytes) -> FaultRequest | None:
    """Return the request in ``message``, None if it is no request."""
    try:
        found: Mapping[str, Any] = read_json(message)
        request = FaultRequest(**found)
    except (ValueError, TypeError):
        return None
    is_request = (
        isinstance(request.asked_ns, int)
        and isinstance(request.fault, str)
        and isinstance(request.lasts, str | None)
    )
    return request if is_request else None


def age_refusal(request: FaultRequest, start_ns: int) -> str:
    """Return why ``request`` comes at a wrong time for a load that began at ``start_ns``."""
    if request.asked_ns < start_ns:
        return NO_LOAD
    return TOO_OLD if time.monotonic_ns() - request.asked_ns > MOST_AGE_NS else ""


@contextlib.contextmanager
def inherited_requests(
    complete: Callable[[Fault], Fault], folder: Path
) -> Iterator[FaultRequests | None]:
    """Listen on the inherited socket until the context ends; None if there is none.

    ``complete`` and ``folder`` are those of `FaultRequests`.

    Raises:
        BackendError: the environment variable does not name a socket.
    """
    named = os.environ.get(FAULT_SOCKET)
    if not named:
        yield None
        return
    end = socket.fromfd(_descriptor_of(named), socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with contextlib.closing(FaultRequests(end, complete, folder)) as requests:
        yield requests


def _descriptor_of(named: str) -> int:
    """Return the descriptor ``named``, which must be that of a socket."""
    with contextlib.suppress(ValueError, OSError, OverflowError):
        if stat.S_ISSOCK(os.fstat(int(named)).st_mode):
            return int(named)
    raise BackendError(f"{FAULT_SOCKET} does not name an open socket: {named!r:.40}; unset it")
