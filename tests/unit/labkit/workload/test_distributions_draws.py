import math
import statistics
from itertools import islice, product

import pytest

from labkit.workload import distributions
from labkit.workload.distributions import Draws
from tests.unit.labkit.workload.kolmogorov_fixtures import is_rejected, uniform

MESSAGES = list(product(range(100), range(100)))
STREAMS = [(7, "clients", "demand"), (7, "clients", "think time"), (7, "others", "demand"),
           (8, "clients", "demand")]  # fmt: skip


def pairs(stream: tuple[int, str, str]) -> list[tuple[float, float]]:
    source = Draws(*stream)
    return [source.pair(*message) for message in MESSAGES]


@pytest.mark.parametrize(
    ("stream", "message", "expected"),
    [
        (STREAMS[0], (0, 0), (0.3341516682837672, 0.21324048231088633)),
        (STREAMS[0], (3, 4), (0.47758066259605025, 0.02295326653449814)),
        (STREAMS[1], (3, 4), (0.050248647896641185, 0.738125599828649)),
        (STREAMS[2], (3, 4), (0.9974094953044684, 0.7783422655704691)),
        (STREAMS[3], (3, 4), (0.4563830173894935, 0.42980229823390903)),
        ((0, "", ""), (2**40, 10**9), (0.48179639645564476, 0.9388928856362299)),
    ],
)
def test_what_is_drawn_stays_what_it_is(
    stream: tuple[int, str, str], message: tuple[int, int], expected: tuple[float, float]
) -> None:
    """Else a campaign of yesterday could not be repeated today; these were drawn once and kept."""
    assert Draws(*stream).pair(*message) == expected


def test_a_draw_does_not_depend_on_what_was_drawn_before() -> None:
    source = Draws(*STREAMS[0])
    assert {message: source.pair(*message) for message in reversed(MESSAGES[:200])} == {
        message: Draws(*STREAMS[0]).pair(*message) for message in MESSAGES[:200]
    }


@pytest.mark.parametrize("stream", STREAMS)
def test_draws_are_uniform(stream: tuple[int, str, str]) -> None:
    first, second = zip(*pairs(stream), strict=True)
    assert not is_rejected(list(first), uniform)
    assert not is_rejected(list(second), uniform)


@pytest.mark.parametrize(("byte", "expected"), [(0x00, 2.0**-53), (0xFF, 1 - 2.0**-53)])
def test_the_extremes_are_neither_0_nor_1(
    byte: int, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Extreme:
        def copy(self) -> "Extreme":
            return self

        def update(self, _: bytes) -> None:
            pass

        def digest(self) -> bytes:
            return bytes([byte]) * 16

    monkeypatch.setattr(distributions, "blake2b", lambda *_, **__: Extreme())
    first, second = Draws(7, "clients", "demand").pair(0, 0)
    assert first == second == expected
    assert 0 < first < 1
    assert math.isfinite(math.log(first))


def test_nothing_is_drawn_twice() -> None:
    """Neither seeds, groups, purposes nor messages share a draw, whatever digits they end in."""
    values = [value for stream in STREAMS for pair in pairs(stream) for value in pair]
    assert len(set(values)) == len(values)
    assert Draws(1, "1/1", "").pair(1, 1) != Draws(1, "1", "").pair(1, 11)
    assert Draws(1, "a", "").pair(11, 1) != Draws(1, "a", "").pair(1, 11)


def test_streams_neighbours_and_the_two_of_a_pair_are_uncorrelated() -> None:
    """Of independent ones, the coefficient of n is normal with deviation 1/sqrt(n): 4 are rare."""
    streams = [[first for first, _ in pairs(stream)] for stream in STREAMS]
    seconds = [second for _, second in pairs(STREAMS[0])]
    following = [*islice(streams[0], 1, None), streams[0][0]]
    for other in (*streams[1:], seconds, following):
        assert abs(correlation(streams[0], other)) < 4 / math.sqrt(len(MESSAGES))
    assert correlation(streams[0], streams[0]) == pytest.approx(1, abs=0.05)


def correlation(one: list[float], other: list[float]) -> float:
    """Return the coefficient of two samples of the uniform law, of mean 1/2 and variance 1/12."""
    return 12 * statistics.fmean((a - 0.5) * (b - 0.5) for a, b in zip(one, other, strict=True))
