"""What is read of the machines of a case when its load begins, and again when it is over.

This machine's times are read at once. Others are asked, and answer while the load goes on, so that
nothing waits for a network. Their answers are compared with each other only: each has a clock of
its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.execution.host import HostTimes
from orchestrator.results.client_samples import MachineLoad
from orchestrator.results.exit_codes import LabError


@dataclass(frozen=True)
class AskedMachine:
    """A machine other than this one, or one of several, that was asked for its times.

    ``boot_id`` is that of its kernel, None if unknown. ``answers`` wait for those of its engines,
    and raise `LabError` if there is none. ``own_cpu_s`` is the CPU time so far of the lab's
    programs there that no engine knows.
    """

    name: str
    boot_id: str | None
    answers: Sequence[Callable[[], HostTimes]]
    own_cpu_s: float = 0.0

    def times(self) -> HostTimes:
        """Return its times; each engine knows the CPU time of its own containers.

        Raises:
            LabError: an engine does not answer.
        """
        first, *others = [answer() for answer in self.answers]
        every = [first, *others]
        lab_s = {part: _sum([each.lab_s.get(part) for each in every]) for part in first.lab_s}
        own_cpu_s = self.own_cpu_s + sum(each.own_cpu_s for each in every)
        return replace(first, own_cpu_s=own_cpu_s, lab_s=lab_s)

    def since(self, begun: "AskedMachine") -> MachineLoad:
        """Return what passed on it since it was asked as ``begun``."""
        try:
            times = self.times().since(begun.times())
        except LabError as exc:
            return MachineLoad(self.name, self.boot_id, {}, str(exc))
        return MachineLoad(self.name, self.boot_id, times)


def _sum(parts_s: Sequence[float | None]) -> float | None:
    known = [each for each in parts_s if each is not None]
    return sum(known) if len(known) == len(parts_s) else None


@dataclass(frozen=True)
class HostReading:
    """What was read at one instant: of this machine, and what others were asked."""

    here: HostTimes
    machines: Sequence[AskedMachine] = ()

    def since(
        self, begun: "HostReading"
    ) -> tuple[Mapping[str, float | None], tuple[MachineLoad, ...]]:
        """Return what passed since ``begun`` on this machine, and on each of the others."""
        pairs = zip(self.machines, begun.machines, strict=True)
        return self.here.since(begun.here), tuple(now.since(then) for now, then in pairs)
