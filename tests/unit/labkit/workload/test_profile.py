import math
from fractions import Fraction
from itertools import islice, pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labkit.workload.profile import (
    NS_PER_S,
    Lifetime,
    Profile,
    arrivals_ns,
    constant,
    lifetimes,
    poisson_arrivals_ns,
)
from tests.unit.labkit.workload.kolmogorov_fixtures import exponential, is_rejected

RAMP = Profile(0.0, ((2.0, 400.0), (1.0, 400.0), (2.0, 100.0)))
LEVELS = st.integers(0, 40)
PROFILES = st.builds(
    Profile, LEVELS, st.lists(st.tuples(st.integers(1, 50), LEVELS), min_size=1, max_size=5)
)
"""Stages in tenths of a second, see `in_tenths`: whole numbers, so that a test can be exact."""


def in_tenths(profile: Profile) -> Profile:
    return Profile(profile.initial, tuple((tenths / 10, level) for tenths, level in profile.stages))


def exact_area(profile: Profile) -> Fraction:
    levels = [Fraction(profile.initial), *(Fraction(level) for _, level in profile.stages)]
    return sum(
        (
            Fraction(tenths) / 10 * (a + b) / 2
            for (tenths, _), (a, b) in zip(profile.stages, pairwise(levels), strict=True)
        ),
        Fraction(0),
    )


def area_at(profile: Profile, at_s: float) -> float:
    """Return the area under the profile until then: the integral, piece by piece."""
    area = 0.0
    for begun_s, seconds, a, b in profile.pieces():
        t = min(max(at_s - begun_s, 0.0), seconds)
        area += a * t + (b - a) * t * t / (2 * seconds)
    return area


def test_a_profile_adds_up_its_stages() -> None:
    assert RAMP.duration_s == 5.0
    assert RAMP.area == 400.0 + 400.0 + 500.0
    assert constant(100.0, 3.0).area == 300.0
    assert [piece.begun_s for piece in RAMP.pieces()] == [0.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("profile", "offsets_s"),
    [
        (constant(4.0, 1.0), [0, 0.25, 0.5, 0.75]),
        (constant(0.0, 10.0), []),
        (constant(0.1, 10.0), [0]),
        (Profile(0.0, ((2.0, 2.0),)), [0, math.sqrt(2)]),  # area t²/2
        (Profile(2.0, ((2.0, 0.0),)), [0, 2 - math.sqrt(2)]),  # area 2t - t²/2
        (Profile(0.0, ((1.0, 0.0), (1.0, 2.0))), [1]),  # no user comes before the level rises
        (Profile(1.0, ((0.0, 3.0), (1.0, 3.0))), [0, 1 / 3, 2 / 3]),  # at once
    ],
)
def test_evenly_spaced_arrivals_come_at_whole_areas(
    profile: Profile, offsets_s: list[float]
) -> None:
    assert [ns / NS_PER_S for ns in arrivals_ns(profile)] == pytest.approx(offsets_s, abs=1e-9)


@given(PROFILES)
def test_there_are_as_many_arrivals_as_the_area_has_units(profile: Profile) -> None:
    """One at each whole area from 0 on, before the end: as many as the area, rounded up."""
    offsets_ns = list(arrivals_ns(in_tenths(profile)))
    assert len(offsets_ns) == math.ceil(exact_area(profile))
    for number, offset_ns in enumerate(offsets_ns):
        assert area_at(in_tenths(profile), offset_ns / NS_PER_S) == pytest.approx(number, abs=1e-5)
    assert offsets_ns == sorted(offsets_ns)


@given(rate=st.integers(1, 1_000), tenths=st.integers(1, 100))
def test_a_constant_rate_has_as_many_arrivals_as_rate_times_time(rate: int, tenths: int) -> None:
    """As floats, 100 * 1.1 is more than 110."""
    assert sum(1 for _ in arrivals_ns(constant(rate, tenths / 10))) == -(-rate * tenths // 10)


@pytest.mark.parametrize("seed", range(3))
def test_poisson_arrivals_have_exponential_gaps(seed: int) -> None:
    offsets_ns = list(islice(poisson_arrivals_ns(constant(1_000.0, 100.0), seed, "clients"), 9_000))
    gaps = [(b - a) / 1e6 for a, b in pairwise([0, *offsets_ns])]  # in means, of a millisecond
    assert not is_rejected(gaps, exponential)


def test_poisson_gaps_are_rejected_as_often_as_chance_has_it() -> None:
    """Of 100 samples 5 are expected at the level of 5%; more than 12 have probability 0.2%."""
    rejected = 0
    for seed in range(100):
        arrivals = poisson_arrivals_ns(constant(1_000.0, 10.0), seed, "clients")
        gaps = [(b - a) / 1e6 for a, b in pairwise(islice(arrivals, 501))]
        rejected += is_rejected(gaps, exponential, level=0.05)
    assert rejected <= 12


def test_arrivals_that_are_not_poisson_or_of_another_rate_are_rejected() -> None:
    even = [(b - a) / 1e6 for a, b in pairwise(arrivals_ns(constant(1_000.0, 9.0)))]
    assert is_rejected(even, exponential)
    faster = poisson_arrivals_ns(constant(1_050.0, 10.0), 0, "clients")
    assert is_rejected([(b - a) / 1e6 for a, b in pairwise(islice(faster, 9_000))], exponential)


@pytest.mark.parametrize("seed", range(3))
def test_poisson_arrivals_follow_a_ramp(seed: int) -> None:
    """By the area they came at, they are a process of rate 1."""
    offsets_ns = list(poisson_arrivals_ns(RAMP, seed, "clients"))
    areas = [area_at(RAMP, offset_ns / NS_PER_S) for offset_ns in offsets_ns]
    assert not is_rejected([b - a for a, b in pairwise([0.0, *areas])], exponential)
    assert abs(len(offsets_ns) - RAMP.area) < 4 * math.sqrt(RAMP.area)
    assert offsets_ns == sorted(offsets_ns)
    assert offsets_ns[-1] < 5 * NS_PER_S


def test_poisson_arrivals_stay_what_they_are_and_depend_on_seed_and_group() -> None:
    def drawn(seed: int, group: str) -> list[int]:
        return list(poisson_arrivals_ns(constant(100.0, 0.1), seed, group))

    assert drawn(7, "clients") == [
        21_521_440, 26_669_671, 31_028_588, 41_002_293, 54_372_981, 93_005_385, 97_657_197,
        99_367_552,
    ]  # fmt: skip
    assert drawn(7, "clients") == drawn(7, "clients")
    assert not set(drawn(7, "clients")) & set(drawn(8, "clients"))
    assert not set(drawn(7, "clients")) & set(drawn(7, "others"))


def seconds(*times: tuple[float, float | None]) -> list[Lifetime]:
    return [
        Lifetime(round(start * NS_PER_S), None if stop is None else round(stop * NS_PER_S))
        for start, stop in times
    ]


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (Profile(3.0), seconds((0, None), (0, None), (0, None))),
        (Profile(0.0), []),
        (constant(2.0, 5.0), seconds((0, 5), (0, 5))),
        (Profile(0.0, ((4.0, 2.0),)), seconds((2, 4))),  # the second would come at the end
        (Profile(0.0, ((4.0, 2.0), (1.0, 2.0))), seconds((2, 5), (4, 5))),
        (Profile(2.0, ((2.0, 0.0),)), seconds((0, 1), (0, 0))[:1]),  # below 2 at once
        (Profile(0.0, ((1.0, 1.5), (1.0, 0.0))), seconds((2 / 3, 4 / 3))),
        # the user that came last leaves first, and a new user comes later
        (
            Profile(2.0, ((1.0, 2.0), (0.0, 1.0), (1.0, 1.0), (0.0, 2.0), (1.0, 2.0))),
            seconds((0, 3), (0, 1), (2, 3)),
        ),
    ],
)
def test_users_come_and_go_as_the_level_says(profile: Profile, expected: list[Lifetime]) -> None:
    assert lifetimes(profile) == expected


@given(profile=PROFILES, moment=st.integers(0, 10_000))
def test_as_many_users_are_there_as_the_level_says(profile: Profile, moment: int) -> None:
    """Checked between the instants at which users come or go, which are exact to a nanosecond."""
    ramp = in_tenths(profile)
    at_s = ramp.duration_s * moment / 10_001
    piece = next(piece for piece in ramp.pieces() if at_s < piece.begun_s + piece.seconds)
    level = piece.a + (piece.b - piece.a) * (at_s - piece.begun_s) / piece.seconds
    assume(piece.a == piece.b or abs(level - round(level)) > 1e-6)
    there = sum(is_there(life, round(at_s * NS_PER_S)) for life in lifetimes(ramp))
    assert there == math.floor(level)


def is_there(life: Lifetime, at_ns: int) -> bool:
    return life.start_ns <= at_ns < (math.inf if life.stop_ns is None else life.stop_ns)


@given(PROFILES)
def test_users_are_numbered_by_their_starts(profile: Profile) -> None:
    lives = lifetimes(in_tenths(profile))
    starts_ns = [life.start_ns for life in lives]
    assert starts_ns == sorted(starts_ns)
    end_ns = round(in_tenths(profile).duration_s * NS_PER_S)
    for life in lives:
        assert life.stop_ns is not None
        assert 0 <= life.start_ns < life.stop_ns <= end_ns
