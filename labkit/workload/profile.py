"""A load over time: a level, of users or of arrivals per second, that changes linearly in stages.

Pure functions of the profile, so client and orchestrator compute the same plan. Offsets count from
the start of the group. No clock, no I/O.
"""

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

NS_PER_S = 1_000_000_000
_DECIMALS = 6  # of an area: in floats, 1.1 s of 100/s is above 110 and would give 111 arrivals


class Piece(NamedTuple):
    """A straight line: from level ``a`` to ``b`` in ``seconds``, beginning at ``begun_s``."""

    begun_s: float
    seconds: float
    a: float
    b: float

    @property
    def area(self) -> float:
        """The area under the line."""
        return self.seconds * (self.a + self.b) / 2


@dataclass(frozen=True, slots=True)
class Profile:
    """The level at the start, and for each stage its duration in seconds and its last level."""

    initial: float
    stages: tuple[tuple[float, float], ...] = ()

    @property
    def duration_s(self) -> float:
        """The duration of all stages together."""
        return sum(seconds for seconds, _ in self.stages)

    @property
    def area(self) -> float:
        """The level integrated over time: for a rate, the expected number of arrivals."""
        return sum(piece.area for piece in self.pieces())

    def pieces(self) -> Iterator[Piece]:
        """Yield each stage as a straight line."""
        begun_s, level = 0.0, self.initial
        for seconds, reached in self.stages:
            yield Piece(begun_s, seconds, level, reached)
            begun_s, level = begun_s + seconds, reached


def constant(level: float, duration_s: float) -> Profile:
    """Return a profile that stays at one level."""
    return Profile(level, ((duration_s, level),))


def arrivals_ns(profile: Profile) -> Iterator[int]:
    """Yield the offsets of arrivals: the first at 0, the k-th after it at area k."""
    return _at_areas(profile, map(float, count()))


def poisson_arrivals_ns(profile: Profile, seed: int, group: str) -> Iterator[int]:
    """Yield the offsets of a Poisson process whose rate is the profile; a function of the seed.

    Arrivals of a process of rate 1, whose gaps are exponential, mapped through the inverse of the
    integrated rate (Lewis and Shedler 1979, "Simulation of nonhomogeneous Poisson processes by
    thinning", section 1).
    """
    return _at_areas(profile, _unit_poisson(random.Random(f"{seed}/{group}/arrivals")))  # noqa: S311 a load, no secret


def _unit_poisson(source: random.Random) -> Iterator[float]:
    at = 0.0
    while True:
        at -= math.log(1.0 - source.random())
        yield at


def _at_areas(profile: Profile, areas: Iterable[float]) -> Iterator[int]:
    """Yield the offsets at which the area under the profile reaches each of ``areas``."""
    following = iter(areas)
    area = next(following)
    begun_area = 0.0
    for piece in profile.pieces():
        end_area = round(begun_area + piece.area, _DECIMALS)
        while area < end_area:
            yield round((piece.begun_s + _seconds_to(piece, area - begun_area)) * NS_PER_S)
            area = next(following)
        begun_area = end_area


def _seconds_to(piece: Piece, area: float) -> float:
    """Return t where a t + slope t²/2 = ``area``, by the form of the root that keeps precision."""
    if not area:
        return 0.0
    slope = (piece.b - piece.a) / piece.seconds
    root = math.sqrt(max(piece.a * piece.a + 2 * slope * area, 0.0))
    return min(2 * area / (piece.a + root), piece.seconds)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a user comes and leaves; ``stop_ns`` None means after its last message."""

    start_ns: int
    stop_ns: int | None


def lifetimes(profile: Profile) -> list[Lifetime]:
    """Return each user's lifetime, in the order of their starts; at level k, k users are present.

    The user that came last leaves first; if the level rises again, new users come. A user that
    would leave at the instant it comes is omitted.
    """
    starts = [0] * math.floor(profile.initial)
    stops: list[int | None] = [None] * len(starts)
    present = list(range(len(starts)))
    for piece in profile.pieces():
        while len(present) < math.floor(piece.b):
            starts.append(_crossing_ns(piece, len(present) + 1))
            stops.append(None)
            present.append(len(starts) - 1)
        while len(present) > piece.b:
            stops[present[-1]] = _crossing_ns(piece, len(present))
            present.pop()
    end_ns = round(profile.duration_s * NS_PER_S) if profile.stages else None
    return [
        Lifetime(start_ns, end_ns if stop_ns is None else stop_ns)
        for start_ns, stop_ns in zip(starts, stops, strict=True)
        if start_ns != (end_ns if stop_ns is None else stop_ns)
    ]


def _crossing_ns(piece: Piece, level: float) -> int:
    share = (level - piece.a) / (piece.b - piece.a)
    return round((piece.begun_s + piece.seconds * share) * NS_PER_S)
