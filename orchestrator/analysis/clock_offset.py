"""How far the server's clock is ahead of a client's, from the messages of the run itself.

A message is sent before the server receives it, and its service ends before the client has the ack.
So at each instant that a message was sent, the offset, server less client, is at most received less
sent; and at each instant that one was acked, it is at least finished less acked. Over a run the
offset is a straight line, since two clocks drift apart at a constant rate, and every line between
these two envelopes is possible (Moon, Skelly and Towsley 1999, "Estimation and removal of clock
skew from network delay measurements"). The estimate is the middle of what is possible, and half of
that width is its error: at most half of the least round trip, were there no drift (Cristian 1989,
"Probabilistic clock synchronization"). No assumption is made about delays, except that there is no
negative one.

All arithmetic on instants is in int64 nanoseconds; what follows is relative to the first message,
so that floats are exact to far below a nanosecond, whatever the uptime of the two machines.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Instants: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Corner: TypeAlias = tuple[float, float]
"""A possible line: the offset at the begin and at the end of the span, in ns."""

MOST_DRIFT = 1e-3
"""Of two clocks that time servers slew by at most 500 ppm each, the kernel's limit; adjtimex(2)."""

SLACK_NS = 1.0
"""By how much an instant may be early, since clocks are read in whole nanoseconds."""

CHUNK_ROWS = 1 << 17
FEW = 1_000
SLOW = 0.9
"""If a pass keeps more than this share of the points, the rest is left to the exact chain."""


class OffsetError(ValueError):
    """The offset of two clocks cannot be estimated; the message says why."""


class NoExchangeError(OffsetError):
    """No message was acknowledged, so nothing relates the clocks."""


class EmptyEnvelopeError(OffsetError):
    """No offset and drift agree with all messages, so an instant or a clock is wrong."""


class Exchanges(NamedTuple):
    """The four instants of acknowledged messages, in ns: two of the client, two of the server.

    ``sent_ns`` and ``acked_ns`` are the client's; ``received_ns`` and ``finished_ns`` the server's.
    The server's instant after it has sent the ack is none of them: the client may have it before.
    """

    sent_ns: Instants
    received_ns: Instants
    finished_ns: Instants
    acked_ns: Instants


@dataclass(frozen=True)
class ClockOffset:
    """How far the server's clock is ahead of a client's, with the largest error.

    It is ``offset_ns`` at ``begin_ns``, an instant of the client, and ``drift`` more for each
    nanosecond after it. ``bound_ns`` is the largest error in the span of the fit.
    """

    begin_ns: int
    offset_ns: int
    drift: float
    bound_ns: int

    def at(self, client_ns: Instants) -> Instants:
        """Return the offset at instants of the client, in ns."""
        drifted: Instants = np.rint(self.drift * (client_ns - self.begin_ns)).astype(np.int64)
        return self.offset_ns + drifted

    def to_server(self, client_ns: Instants) -> Instants:
        """Return what the server's clock read at instants of the client; their order is kept."""
        return client_ns + self.at(client_ns)


def fit_offset(exchanges: Exchanges, span_ns: tuple[int, int]) -> ClockOffset:
    """Return the offset of the server's clock to the client's in ``span_ns``, client instants.

    The span contains the exchanges; the error is bounded in all of it. Takes memory for
    `CHUNK_ROWS` messages besides ``exchanges``.

    Raises:
        NoExchangeError: ``exchanges`` are empty.
        EmptyEnvelopeError: no line is possible.
    """
    if not len(exchanges.sent_ns):
        raise NoExchangeError("no message was acknowledged, so nothing relates the clocks")
    begin_ns, end_ns = span_ns[0], max(span_ns[1], span_ns[0] + 1)
    base_ns = int(exchanges.received_ns[0]) - int(exchanges.sent_ns[0])
    most, least = _envelopes(exchanges, begin_ns, base_ns)
    lines = _possible_lines(most, least, float(end_ns - begin_ns))
    if not lines:
        raise EmptyEnvelopeError(
            "no offset and drift of the clocks agree with all messages: some were received before "
            "they were sent, or acked before they were served, whatever the offset"
        )
    at_begin, at_end = _central(lines)
    error_ns = max(max(abs(one - at_begin), abs(other - at_end)) for one, other in lines)
    offset_ns = round(at_begin)
    return ClockOffset(
        begin_ns=begin_ns,
        offset_ns=base_ns + offset_ns,
        drift=(at_end - offset_ns) / (end_ns - begin_ns),
        bound_ns=int(np.ceil(error_ns + SLACK_NS)),
    )


def _central(lines: Sequence[Corner]) -> Corner:
    """Return the possible line whose greatest error is about the least.

    Corners of a convex polygon, counter-clockwise. The middle of what is possible at the begin and
    at the end, if that line is itself possible; else the nearest to it on the way to the centre.
    """
    middle, centre = (
        tuple(of(column) for column in zip(*lines, strict=True)) for of in (_middle, _mean)
    )
    share = 1.0
    for place, corner in enumerate(lines):
        inside, beyond = (_side(lines[place - 1], corner, each) for each in (centre, middle))
        if beyond < 0:
            share = min(share, max(inside, 0.0) / (max(inside, 0.0) - beyond))
    begin, end = (one + share * (other - one) for one, other in zip(centre, middle, strict=True))
    return begin, end


def _middle(values: Sequence[float]) -> float:
    return (min(values) + max(values)) / 2


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _side(begin: Corner, end: Corner, point: tuple[float, ...]) -> float:
    """Return a number that is positive if ``point`` is to the left of the edge, else negative."""
    return (end[0] - begin[0]) * (point[1] - begin[1]) - (end[1] - begin[1]) * (point[0] - begin[0])


class _Envelope(NamedTuple):
    """Points of a lower convex hull: instants in ns from the begin of the span, and values."""

    at_ns: Floats
    value_ns: Floats


_NO_POINTS = _Envelope(np.empty(0), np.empty(0))


def _envelopes(exchanges: Exchanges, begin_ns: int, base_ns: int) -> tuple[_Envelope, _Envelope]:
    """Return the upper limits of the offset less ``base_ns``, and the lower ones, negated."""
    most, least = _NO_POINTS, _NO_POINTS
    for first in range(0, len(exchanges.sent_ns), CHUNK_ROWS):
        sent_ns, received_ns, finished_ns, acked_ns = (
            each[first : first + CHUNK_ROWS] for each in exchanges
        )
        upper_ns = received_ns - sent_ns - base_ns
        lower_ns = finished_ns - acked_ns - base_ns
        most = _hull(most, sent_ns - begin_ns, upper_ns)
        least = _hull(least, acked_ns - begin_ns, -lower_ns)
    return most, least


def _hull(so_far: _Envelope, at_ns: Instants, value_ns: Instants) -> _Envelope:
    """Return the lower convex hull of the points of ``so_far`` and others."""
    at = np.concatenate([so_far.at_ns, at_ns.astype(np.float64)])
    value = np.concatenate([so_far.value_ns, value_ns.astype(np.float64)])
    order = np.lexsort((value, at))
    at, value = at[order], value[order]
    is_kept = np.concatenate([[True], at[1:] != at[:-1]])
    at, value = at[is_kept], value[is_kept]
    while len(at) > FEW:
        is_kept = _are_below(at, value)
        is_slow = np.count_nonzero(is_kept) > SLOW * len(at)
        at, value = at[is_kept], value[is_kept]
        if is_slow:
            break
    return _chain(at, value)


def _are_below(at: Floats, value: Floats) -> npt.NDArray[np.bool_]:
    """Return for each point whether it is below the line between its neighbours.

    One that is not is no point of the hull, whichever others are removed with it.
    """
    turn = (at[1:-1] - at[:-2]) * (value[2:] - value[:-2]) - (value[1:-1] - value[:-2]) * (
        at[2:] - at[:-2]
    )
    return np.concatenate([[True], turn > 0, [True]])


def _chain(at: Floats, value: Floats) -> _Envelope:
    """Return the lower convex hull of points in the order of time (Andrew 1979)."""
    hull: list[Corner] = []
    for x, y in zip(at.tolist(), value.tolist(), strict=True):
        while len(hull) > 1:
            (x_1, y_1), (x_2, y_2) = hull[-2:]
            if (x_2 - x_1) * (y - y_1) > (y_2 - y_1) * (x - x_1):
                break
            hull.pop()
        hull.append((x, y))
    points = np.array(hull)
    return _Envelope(points[:, 0], points[:, 1])


def _possible_lines(most: _Envelope, least: _Envelope, span_ns: float) -> list[Corner]:
    """Return the corners of the set of lines between both envelopes, empty if there is none.

    A line is a point in the plane of its offsets at the begin and at the end of the span, and each
    point of an envelope allows one half of that plane.
    """
    drifted = MOST_DRIFT * most.at_ns, MOST_DRIFT * least.at_ns
    highest = float(np.min(most.value_ns + drifted[0])) + SLACK_NS
    lowest = -float(np.min(least.value_ns + drifted[1])) - SLACK_NS
    if lowest > highest:
        return []
    apart = MOST_DRIFT * span_ns
    lines = [
        (lowest, lowest - apart), (highest, highest - apart),
        (highest, highest + apart), (lowest, lowest + apart),
    ]  # fmt: skip
    for sign, envelope in ((1.0, most), (-1.0, least)):
        for at, value in zip(*(each.tolist() for each in envelope), strict=True):
            share = at / span_ns
            lines = _cut(lines, (sign * (1 - share), sign * share), value + SLACK_NS)
    return lines


def _cut(lines: list[Corner], weights: tuple[float, float], limit: float) -> list[Corner]:
    """Return the part of a convex polygon in which the weighted sum of both numbers is in limits.

    Sutherland and Hodgman 1974, for one edge.
    """
    beyond = [weights[0] * begin + weights[1] * end - limit for begin, end in lines]
    kept: list[Corner] = []
    for place, line in enumerate(lines):
        before, excess, excess_before = lines[place - 1], beyond[place], beyond[place - 1]
        if (excess > 0) != (excess_before > 0):
            share = excess_before / (excess_before - excess)
            kept.append(
                (
                    before[0] + share * (line[0] - before[0]),
                    before[1] + share * (line[1] - before[1]),
                )
            )
        if excess <= 0:
            kept.append(line)
    return kept
