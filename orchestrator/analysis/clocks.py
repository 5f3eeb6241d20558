"""The clocks of a run: which CLOCK_MONOTONIC its server and each of its replicas had.

Programs on one host share one, unless a time namespace sets some of them apart. Their instants
then cannot be compared, although each looks like an instant.
"""

from collections.abc import Iterator, Sequence

from labkit.clock import Clock
from orchestrator.analysis.evidence import Evidence
from orchestrator.results.client_samples import Replica
from orchestrator.results.server_log import ServerLog

NEEDED = "all programs of a run on one host need the same clock"


def find_other_clocks(evidence: Evidence) -> Iterator[str]:
    """Yield which programs of a run on one host had another clock than its server.

    If the server reports none, than the first replica that reports one. On several hosts the clocks
    differ, but that of the server must stay the same.
    """
    replicas, clocks = evidence.clients.replicas, server_clocks(evidence.log)
    for clock in clocks[1:]:
        if clock != clocks[0]:
            difference = _difference(clock, clocks[0], "its first one")
            yield f"the server, started again, {difference}; {NEEDED}"
    if not evidence.is_one_host:
        return
    known = [*clocks, *(each.clock for each in replicas if each.clock)]
    if not known:
        return
    reference = "the server's" if clocks else "that of the first replica"
    for clock in dict.fromkeys(known):
        own = [each for each in replicas if each.clock == clock]
        if clock != known[0] and own:
            yield f"{_named(own)} {_difference(clock, known[0], reference)}; {NEEDED}"


def server_clocks(log: ServerLog) -> list[Clock]:
    """Return the clock of each start of the server, as far as it reports one."""
    read = (Clock.read(event.get("clock")) for event in log.of("listening"))
    return [clock for clock in read if clock is not None]


def _named(replicas: Sequence[Replica]) -> str:
    first = f"replica {replicas[0].number}"
    more = len(replicas) - 1
    return f"{first} and {more} more" if more else first


def _difference(clock: Clock, reference: Clock, whose: str) -> str:
    """Return in what ``clock`` differs from the ``reference``, which is called ``whose``."""
    if clock.boot_id != reference.boot_id:
        return (
            f"had a clock of another kernel than {whose}: boot id {clock.boot_id!a}, "
            f"not {reference.boot_id!a}"
        )
    apart_s = (clock.offset_ns - reference.offset_ns) / 1e9
    where = "ahead of" if apart_s > 0 else "behind"
    return (
        f"had a clock {abs(apart_s):.9g} s {where} {whose}, by the offset of a time namespace "
        "(/proc/self/timens_offsets)"
    )
