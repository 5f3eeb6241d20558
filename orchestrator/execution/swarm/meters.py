"""Meters of the hosts of a case: a program on each host that answers with what its kernel counts.

It runs in a container that the host's own engine starts beside those of the case, without network
or capabilities. There ``/proc/stat`` and ``/proc/pressure`` are the host's, and its control groups
are mounted read-only. Between two answers it only waits.
"""

import contextlib
import inspect
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from labkit.clock import Clock
from orchestrator.execution import machine_times
from orchestrator.execution.backend import BackendError
from orchestrator.execution.host import HostTimes
from orchestrator.execution.machine_times import GROUPS, READY
from orchestrator.execution.machines import AskedMachine
from orchestrator.execution.swarm.connection import HostEngine
from orchestrator.execution.swarm.line_program import LineProgram, run_beside

START_DEADLINE_S = 20.0
ANSWER_DEADLINE_S = 5.0
NOBODY = "65534:65534"
PYTHON = ("-I", "-S", "-c")  # it needs no packages, and starts in half the time


class HostMeter:
    """The program on ``host`` that meters it, and the containers of the case there.

    ``container_ids`` are theirs by the part of the lab, for `machine_times.main`. It ends with
    `close`, and with this process.
    """

    def __init__(
        self, host: HostEngine, project: str, image: str, container_ids: Mapping[str, Sequence[str]]
    ) -> None:
        self.host = host.name
        words = [*run_beside(project), "--log-driver", "none", "--network", "none"]
        words += ["--user", NOBODY, "--cgroupns", "host", "--volume", f"{GROUPS}:{GROUPS}:ro"]
        program = [*PYTHON, inspect.getsource(machine_times)]
        words += ["--entrypoint", "python3", image, *program]
        self._program = LineProgram(words, host.endpoint.environment())
        self._program.send(json.dumps(container_ids))
        self._asked = 0

    def wait_until_ready(self, deadline_s: float) -> None:
        """Wait until it answers at once.

        Raises:
            BackendError: it does not within ``deadline_s``.
        """
        self._program.read_until(lambda text: READY in text.splitlines(), deadline_s)

    def ask(self) -> "partial[HostTimes]":
        """Ask for the times now; return a function that waits for the answer.

        That raises `BackendError` if there is none.
        """
        self._program.send("now")
        self._asked += 1
        return partial(self._answer, self._asked)

    def _answer(self, number: int) -> HostTimes:
        try:
            self._program.read_until(lambda text: len(_answers(text)) >= number, ANSWER_DEADLINE_S)
            return HostTimes.read(json.loads(_answers(self._program.printed)[number - 1]))
        except (BackendError, ValueError, KeyError, TypeError) as exc:
            raise BackendError(f"the meter on {self.host}: {exc}") from exc

    def close(self) -> None:
        """End the program."""
        self._program.close()


def _answers(printed: str) -> list[str]:
    """Return the whole lines after `READY`, before which the docker command may warn."""
    lines = printed[: printed.rfind("\n") + 1].splitlines()
    return lines[lines.index(READY) + 1 :] if READY in lines else []


@dataclass(frozen=True)
class Kernel:
    """A kernel with the hosts that run on it; ``is_ours``: so does this program."""

    hosts: tuple[str, ...]
    boot_id: str | None
    is_ours: bool = False

    @property
    def name(self) -> str:
        """The names of its hosts."""
        return " and ".join(self.hosts)


def kernels_of(clocks: Mapping[str, Clock | None], ours: Clock | None) -> list[Kernel]:
    """Return the kernels of hosts with these ``clocks``; one that is unknown is of its own."""
    hosts: dict[str, list[str]] = {}
    boot_ids = {name: None if clock is None else clock.boot_id for name, clock in clocks.items()}
    for name, boot_id in boot_ids.items():
        hosts.setdefault(boot_id or f"?{name}", []).append(name)
    own = None if ours is None else ours.boot_id
    return [
        Kernel(tuple(names), boot_ids[names[0]], is_ours=own is not None and key == own)
        for key, names in hosts.items()
    ]


class Meters:
    """The meters of a case, by the kernels that their hosts run on.

    ``clocks`` are those of containers on each host, ``ours`` is that of this program.
    """

    def __init__(
        self, meters: Sequence[HostMeter], clocks: Mapping[str, Clock | None], ours: Clock | None
    ) -> None:
        self._meters = {meter.host: meter for meter in meters}
        self._kernels = kernels_of({name: clocks.get(name) for name in self._meters}, ours)

    def wait_until_ready(self) -> None:
        """Wait until each answers at once, or it is clear that one never does: see `ask`."""
        ends_s = time.monotonic() + START_DEADLINE_S
        for meter in self._meters.values():
            with contextlib.suppress(BackendError):
                meter.wait_until_ready(max(ends_s - time.monotonic(), 0.0))

    def ask(self, own_cpu_s: float) -> list[AskedMachine]:
        """Ask all for the times now, without waiting for an answer; see `HostMeter.ask`.

        ``own_cpu_s`` is the CPU time so far of the lab's programs on this machine that are in no
        container, which counts if this machine has a meter.
        """
        return [
            AskedMachine(
                kernel.name,
                kernel.boot_id,
                [self._meters[name].ask() for name in kernel.hosts],
                own_cpu_s if kernel.is_ours else 0.0,
            )
            for kernel in self._kernels
        ]

    def close(self) -> None:
        """End their programs."""
        for meter in self._meters.values():
            meter.close()
