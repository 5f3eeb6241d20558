"""The progress of a load, as it is reported while it runs. Measures come from the result only."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

from labkit.wire.histogram import BUCKETS
from labkit.wire.wire import Message, WireError, read_fields

NONE_YET = (0,) * BUCKETS


@dataclass(frozen=True)
class Pulse:
    """Messages acknowledged and failed so far, errors so far, connections open now.

    ``unsent`` are messages that will never be sent. ``times`` is a histogram, by
    `labkit.wire.histogram`, of the response times of messages that were acked or failed, and of the
    time since those were due that wait now.
    """

    acked: int = 0
    failed: int = 0
    errors: int = 0
    connections: int = 0
    sent: int = 0
    unsent: int = 0
    times: tuple[int, ...] = NONE_YET

    @classmethod
    def read(cls, message: Message) -> "Pulse":
        """Return the pulse in ``message``.

        Raises:
            WireError: a field is missing or invalid.
        """
        pulse = read_fields(cls, message)
        times: object = pulse.times
        is_list = isinstance(times, list) and len(times) == BUCKETS
        if not is_list or any(type(each) is not int for each in pulse.times):
            raise WireError(f"invalid Pulse: times is {times!r:.80}")
        return replace(pulse, times=tuple(pulse.times))


def sum_of(pulses: Iterable[Pulse]) -> Pulse:
    """Return the sum of each field, and of each bucket of the histograms."""
    every = [Pulse(), *pulses]
    names = [field.name for field in fields(Pulse) if field.type is int]
    counts = {name: sum(getattr(each, name) for each in every) for name in names}
    times = tuple(map(sum, zip(*(each.times for each in every), strict=True)))
    return Pulse(**counts, times=times)
