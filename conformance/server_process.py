"""Server processes under test: start, observe, signal and stop them.

Each wait is for a condition with a deadline. A missed deadline fails the test with the last lines
of the server's log.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, TypeAlias, TypeVar

from conformance import ROOT, settings_of
from conformance.target import DEADLINE_S, Client, DeadlineError, Target, await_true
from labkit.server.settings import Whole, variable

SETTINGS = {
    "LAB_HOST": "127.0.0.1",
    "LAB_PORT": "0",
    "LAB_WORKERS": "2",
    "LAB_SERVICE_TIME": "10ms",
    "LAB_LOG_FORMAT": "json",
}
Event: TypeAlias = dict[str, Any]
Number = TypeVar("Number", int, float)


def environment(settings: dict[str, str]) -> dict[str, str]:
    """Return this process's environment with ``settings`` as its only ``LAB_`` variables."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LAB_")}
    return {**inherited, **settings}


def with_as_many_workers(program: str, settings: dict[str, str]) -> dict[str, str]:
    """Return ``settings`` in which LAB_WORKERS also counts where the program has its own variable.

    ``program``: a module, and before it perhaps one that runs it and its arguments.
    """
    own = {
        variable(each.name): settings["LAB_WORKERS"]
        for each in settings_of(program.rsplit(maxsplit=1)[-1])
        if isinstance(each, Whole) and each.is_workers and settings["LAB_WORKERS"].isdecimal()
    }
    return own | settings


class RunningServer(Target):
    """A server process and its log; ``wrapper`` is a command which executes the server."""

    def __init__(
        self,
        program: str,
        settings: dict[str, str],
        *,
        stdout: int | IO[bytes] | None = None,
        wrapper: Sequence[str] = (),
        deadline_s: float = DEADLINE_S,
    ) -> None:
        super().__init__(program, deadline_s)
        self._errors: list[bytes] = []
        self._lines: list[bytes] = []
        self._events: list[Event] = []
        self._parsing = threading.Lock()
        self._process = subprocess.Popen(
            [*wrapper, sys.executable, "-m", *program.split()],
            cwd=ROOT,
            env=environment(with_as_many_workers(program, {**SETTINGS, **settings})),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._readers = [
            threading.Thread(target=lines.extend, args=(stream,), daemon=True)
            for stream, lines in (
                (self._process.stdout, self._lines),
                (self._process.stderr, self._errors),
            )
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    @property
    def lines(self) -> list[bytes]:
        """The lines it has written to stdout."""
        return list(self._lines)

    @property
    def stderr(self) -> str:
        """The text it has written to stderr."""
        return b"".join(self._errors).decode()

    @property
    def events(self) -> list[Event]:
        """The events it has logged; each line is parsed once, as long tests read them often."""
        with self._parsing:
            for line in self._lines[len(self._events) :]:
                if not line.endswith(b"\n"):
                    break  # incomplete: the server ended
                self._events.append(json.loads(line))
            return self._events.copy()

    def of(self, event: str) -> list[Event]:
        """Return the events called ``event``."""
        return [entry for entry in self.events if entry["event"] == event]

    def await_event(self, event: str, number: int = 1) -> Event:
        """Return the ``number``-th event ``event`` as soon as it is logged."""
        self.await_true(lambda: len(self.of(event)) >= number, f"{number} times {event}")
        return self.of(event)[number - 1]

    def await_true(self, condition: Callable[[], bool], what: str) -> None:
        """Return when ``condition`` holds; fail with the last lines of the log."""
        try:
            await_true(condition, what, self.deadline_s)
        except DeadlineError as exc:
            last = b"".join(self.lines[-20:]).decode(errors="replace")
            raise DeadlineError(f"{exc}\n{last}{self.stderr}") from None

    def await_listening(self) -> "RunningServer":
        """Return when it listens; fail at once if it exits before."""
        self.await_true(lambda: bool(self.of("listening")) or self.has_ended(), "listening")
        assert self.of("listening"), f"exited at start\n{self.stderr}"
        return self

    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    @property
    def address(self) -> tuple[str, int]:
        """The address it listens on."""
        return "127.0.0.1", self.port

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.of("listening")[0]["port"])

    @property
    def workers(self) -> int:
        """How many workers it declares."""
        return int(self.of("listening")[0]["workers"])

    @property
    def accept_queues(self) -> int:
        """How many accept queues it declares."""
        return int(self.of("listening")[0].get("accept_queues", 1))

    def send_signal(self, signum: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(signum)

    def signal_group(self, signum: signal.Signals) -> None:
        """Send a signal to all its processes."""
        os.killpg(self.pid, signum)

    def wait(self) -> int:
        """Return its exit code, after its output was read to the end."""
        try:
            code = self._process.wait(self.deadline_s)
        except subprocess.TimeoutExpired:
            last = b"".join(self.lines[-20:]).decode(errors="replace")
            raise DeadlineError(f"the server did not exit\n{last}{self.stderr}") from None
        for reader in self._readers:
            reader.join(self.deadline_s)
        return code

    def stop(self, code: int = 0) -> list[Event]:
        """Send SIGTERM, assert the exit code and a complete log, and return the events."""
        self.send_signal(signal.SIGTERM)
        assert self.wait() == code, self.stderr
        self.assert_log_complete()
        return self.events

    def assert_log_complete(self) -> None:
        """Assert that the counts in the last line match the lines of the log."""
        events = self.events
        assert events[-1]["event"] == "stopped"
        assert events[-1]["counts"] == Counter(event["event"] for event in events)

    def process_ids(self) -> list[int]:
        """Return its pid and those of its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def cpu_s(self) -> float:
        """Return the CPU seconds used by its processes."""
        return sum(self.of_each_process(_cpu_s))

    def peak_memory_bytes(self) -> int:
        """Return the sum of the peak resident sets of its processes."""
        return sum(self.of_each_process(lambda pid: status_kib(pid, "VmHWM"))) * 1024

    def await_waiting(self) -> None:
        """Return when each of its processes waits or has ended; a worker may start meanwhile."""
        self.await_true(lambda: all(self.of_each_process(_is_waiting)), "its processes wait")

    def served_by_each_queue(self, stack: contextlib.ExitStack) -> list[Client]:
        """Return served clients: as many as workers, and from each accept queue one at least.

        If each worker has a queue of its own, its descriptors are of no use to the others.
        """
        clients: list[Client] = []
        accepting = set[int]()
        while len(clients) < self.workers or len(accepting) < self.accept_queues:
            clients.append(stack.enter_context(self.connect_to_idle()))
            clients[-1].send(b"a sleep=0ms\x03")
            clients[-1].await_ack()
            accepting.add(self._acceptor_of(clients[-1]))
        return clients

    def _acceptor_of(self, client: Client) -> int:
        """Return the pid of the process that accepted ``client``, as soon as it is logged."""
        host, port = client.sock.getsockname()[:2]
        found: list[int] = []

        def is_logged() -> bool:
            accepted = self.of("accepted")
            found.extend(event["pid"] for event in accepted if event["peer"] == f"{host}:{port}")
            return bool(found)

        self.await_true(is_logged, "accepted")
        return found[-1]

    def open_connections(self) -> int:
        """Return how many connections it has accepted and not closed yet, according to its log."""
        ended = len(self.of("connection_closed")) + len(self.of("connection_failed"))
        return len(self.of("accepted")) - ended

    def descriptors(self) -> int:
        """Return the number of file descriptors that its processes have open."""
        return sum(self.of_each_process(_descriptors))

    def of_each_process(self, measure: Callable[[int], Number]) -> Iterator[Number]:
        """Yield what ``measure`` returns for each process that has not ended meanwhile."""
        for pid in self.process_ids():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                yield measure(pid)

    def kill(self) -> None:
        """Kill all its processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        for reader in self._readers:
            reader.join(self.deadline_s)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _is_waiting(pid: int) -> bool:
    """Whether it sleeps, or has ended and is not reaped: proc_pid_stat(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "SZ"


def status_kib(pid: int, name: str) -> int:
    """Return a size in proc_pid_status(5); 0 for a process that has ended and is not reaped."""
    found = Path(f"/proc/{pid}/status").read_text().partition(f"{name}:")[2].split(maxsplit=1)
    return int(found[0]) if found else 0


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def is_process(pid: int) -> bool:
    """Whether ``pid`` is that of a running process, and not of a thread."""
    status = _status(pid)
    return f"Tgid:\t{pid}\n" in status and "State:\tZ" not in status


def is_zombie(pid: int) -> bool:
    """Whether ``pid`` is that of a process which has ended and was not reaped."""
    status = _status(pid)
    return f"Tgid:\t{pid}\n" in status and "State:\tZ" in status


def _status(pid: int) -> str:
    """Return proc_pid_status(5); nothing if there is no such process or thread."""
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def has_process_pool(server: RunningServer) -> bool:
    """Whether the workers that ``server`` logged are processes."""
    started = [event["worker_pid"] for event in server.of("worker_started")]
    return any(is_process(pid) for pid in started)


class Starter:
    """Starts servers of one program with ``settings``, and kills them all at the end."""

    def __init__(
        self,
        program: str,
        deadline_s: float = DEADLINE_S,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.program = program
        self.deadline_s = deadline_s
        self._settings = settings
        self._servers: list[RunningServer] = []

    def launch(
        self,
        *,
        stdout: int | IO[bytes] | None = None,
        wrapper: Sequence[str] = (),
        **settings: str,
    ) -> RunningServer:
        """Start a server with more ``LAB_…`` settings, without waiting for it."""
        server = RunningServer(
            self.program,
            {**self._settings, **settings},
            stdout=stdout,
            wrapper=wrapper,
            deadline_s=self.deadline_s,
        )
        self._servers.append(server)
        return server

    def __call__(self, **settings: str) -> RunningServer:
        """Start a server and return it when it listens."""
        return self.launch(stdout=None, **settings).await_listening()

    def kill_all(self) -> None:
        """Kill every server."""
        for server in self._servers:
            server.kill()


@contextlib.contextmanager
def starting(
    program: str,
    deadline_s: float = DEADLINE_S,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Starter]:
    """Yield a `Starter` of ``program`` with ``settings``, and kill on exit what it started."""
    starter = Starter(program, deadline_s, settings)
    try:
        yield starter
    finally:
        starter.kill_all()


def starting_variant(variant: str) -> contextlib.AbstractContextManager[Starter]:
    """Return `starting` of a model with a choice of its own: `prefork_lock+accept_lock=fcntl`."""
    model, *chosen = variant.split("+")
    settings = {variable(name): value for name, value in (each.split("=") for each in chosen)}
    return starting(f"services.{model}.server", settings=settings)
