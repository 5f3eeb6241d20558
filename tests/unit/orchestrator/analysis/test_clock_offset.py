"""The offset of two clocks, estimated from messages between simulated clocks that are known."""

import time
import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.clock_offset import (
    ClockOffset,
    EmptyEnvelopeError,
    Exchanges,
    Floats,
    Instants,
    NoExchangeError,
    fit_offset,
)

UPTIME_NS = 400 * 86_400 * 10**9
MS, S = 10**6, 10**9
OFFSETS_NS = (0, MS, 86_400 * S)
DRIFTS = (0.0, 50e-6)
DRAWS = 100
MOST_BOUND_NS = 200_000


@dataclass(frozen=True)
class Truth:
    """A server's clock that was ``offset_ns`` ahead at `UPTIME_NS` of the client's, and drifts."""

    offset_ns: int
    drift: float

    def server_ns(self, client_ns: Instants) -> Instants:
        """Return what the server's clock reads, in whole nanoseconds, as a clock is read."""
        since_ns = client_ns - UPTIME_NS
        drifted: Instants = np.floor(self.drift * since_ns).astype(np.int64)
        return client_ns + self.offset_ns + drifted

    def errors_ns(self, found: ClockOffset, span_ns: tuple[int, int]) -> Floats:
        """Return how wrong ``found`` is at instants all over the span."""
        at_ns = np.linspace(*span_ns, 101).astype(np.int64)
        since_ns = (at_ns - UPTIME_NS).astype(np.float64)
        return np.abs(found.at(at_ns) - self.offset_ns - self.drift * since_ns)


def exchanges_of(truth: Truth, sent_ns: Instants, *delays_ns: Instants) -> Exchanges:
    """Return messages sent then, with these delays: on the way, in service, and back."""
    received_ns, finished_ns, acked_ns = (sent_ns + sum(delays_ns[:number]) for number in (1, 2, 3))
    return Exchanges(sent_ns, truth.server_ns(received_ns), truth.server_ns(finished_ns), acked_ns)


def over_loopback(
    draws: np.random.Generator, messages: int, lasts_s: float
) -> tuple[Instants, ...]:
    """Return when messages are sent and their delays: 25 µs or more, often 50, sometimes 1,000."""
    sent_ns = UPTIME_NS + np.sort(draws.integers(0, round(lasts_s * S), messages))
    ways = [25_000 + draws.lognormal(np.log(30_000), 0.8, messages) for _ in range(2)]
    service = draws.exponential(2 * MS, messages)
    there_ns, served_ns, back_ns = (each.astype(np.int64) for each in (ways[0], service, ways[1]))
    return sent_ns, there_ns, served_ns, back_ns


def span_of(exchanges: Exchanges) -> tuple[int, int]:
    return int(exchanges.sent_ns.min()), int(exchanges.acked_ns.max())


@pytest.mark.slow
@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("offset_ns", OFFSETS_NS)
def test_the_true_offset_is_within_the_bound_in_each_of_100_runs(
    offset_ns: int, drift: float
) -> None:
    truth, within, bounds_ns = Truth(offset_ns, drift), 0, []
    for seed in range(DRAWS):
        messages = over_loopback(np.random.default_rng(seed), messages=500, lasts_s=5.0)
        exchanges = exchanges_of(truth, *messages)
        found = fit_offset(exchanges, span_of(exchanges))
        within += truth.errors_ns(found, span_of(exchanges)).max() <= found.bound_ns
        bounds_ns.append(found.bound_ns)
    assert within == DRAWS
    assert max(bounds_ns) <= MOST_BOUND_NS


delays = st.integers(0, 2 * S)


@given(
    st.lists(st.tuples(st.integers(0, 100 * S), delays, delays, delays), min_size=1, max_size=30),
    st.sampled_from([0, -MS, 86_400 * S, -86_400 * S, 2**61]),
    st.floats(-9e-4, 9e-4),
)
def test_the_true_offset_is_within_the_bound_whatever_the_delays(
    rows: list[tuple[int, int, int, int]], offset_ns: int, drift: float
) -> None:
    """However long and unequal they are; only the bound is wide then."""
    truth = Truth(offset_ns, drift)
    since_ns, *ways = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    exchanges = exchanges_of(truth, UPTIME_NS + since_ns, *ways)
    span_ns = span_of(exchanges)
    found = fit_offset(exchanges, span_ns)
    assert truth.errors_ns(found, span_ns).max() <= found.bound_ns
    mapped = found.to_server(np.sort(exchanges.acked_ns))
    assert np.all(np.diff(mapped) >= 0)


def test_the_bound_of_one_message_is_half_of_its_round_trip() -> None:
    """Without its service, as Cristian has it; the clocks may drift by a little meanwhile."""
    ways = (np.array([each]) for each in (UPTIME_NS, 30_000, 5 * MS, 50_000))
    exchanges = exchanges_of(Truth(MS, 0.0), *ways)
    found = fit_offset(exchanges, span_of(exchanges))
    least_ns, drifted_ns = (30_000 + 50_000) / 2, 5 * MS * 1e-3
    assert least_ns <= found.bound_ns <= least_ns + drifted_ns + 100
    assert abs(int(found.at(exchanges.sent_ns)[0]) - MS) <= found.bound_ns


def test_an_estimate_is_exact_to_the_nanosecond_at_any_uptime() -> None:
    """A float could not hold the instants: 2**60 ns is 36 years, and its steps are 256 ns."""
    sent_ns = np.arange(2**60, 2**60 + 10 * S, MS, dtype=np.int64)
    offset_ns = 86_400 * S + 7
    received_ns = sent_ns + 1 + offset_ns
    exchanges = Exchanges(sent_ns, received_ns, received_ns + 1, sent_ns + 3)
    found = fit_offset(exchanges, span_of(exchanges))
    assert found.bound_ns <= 4
    assert np.abs(found.at(sent_ns) - offset_ns).max() <= found.bound_ns


def test_a_span_that_reaches_beyond_the_messages_has_a_wider_bound() -> None:
    messages = over_loopback(np.random.default_rng(3), messages=200, lasts_s=1.0)
    exchanges = exchanges_of(Truth(MS, 50e-6), *messages)
    begin_ns, end_ns = span_of(exchanges)
    near, far = (fit_offset(exchanges, (begin_ns, end_ns + more)) for more in (0, 10 * S))
    assert far.bound_ns > near.bound_ns
    assert Truth(MS, 50e-6).errors_ns(far, (begin_ns, end_ns + 10 * S)).max() <= far.bound_ns


@given(st.integers(0, 2**32), st.sampled_from(OFFSETS_NS), st.sampled_from(DRIFTS))
def test_the_estimate_agrees_with_all_messages(seed: int, offset_ns: int, drift: float) -> None:
    """So no message is received before it is sent on the axis that the estimate makes."""
    messages = over_loopback(np.random.default_rng(seed), messages=20, lasts_s=1.0)
    sent, received, finished, acked = exchanges = exchanges_of(Truth(offset_ns, drift), *messages)
    found = fit_offset(exchanges, span_of(exchanges))
    assert (received - found.to_server(sent)).min() >= -3  # instants are whole nanoseconds
    assert (found.to_server(acked) - finished).min() >= -3


@pytest.mark.parametrize("step_ns", [MS, -MS])
def test_a_clock_that_was_stepped_leaves_no_line(step_ns: int) -> None:
    messages = over_loopback(np.random.default_rng(4), messages=1000, lasts_s=0.5)
    sent, received, finished, acked = exchanges_of(Truth(0, 0.0), *messages)
    is_late = sent > UPTIME_NS + S // 4
    stepped = Exchanges(sent, received + is_late * step_ns, finished + is_late * step_ns, acked)
    with pytest.raises(EmptyEnvelopeError, match="no offset and drift of the clocks agree"):
        fit_offset(stepped, span_of(stepped))


def test_a_message_received_before_it_was_sent_leaves_no_line() -> None:
    messages = over_loopback(np.random.default_rng(5), messages=100, lasts_s=1.0)
    sent, received, finished, acked = exchanges_of(Truth(0, 0.0), *messages)
    received[50] -= 100 * MS
    with pytest.raises(EmptyEnvelopeError):
        fit_offset(Exchanges(sent, received, finished, acked), (int(sent[0]), int(acked.max())))


def test_without_an_ack_there_is_no_estimate() -> None:
    none = np.empty(0, np.int64)
    with pytest.raises(NoExchangeError, match="no message was acknowledged"):
        fit_offset(Exchanges(none, none, none, none), (0, S))


@pytest.mark.slow
def test_a_million_messages_take_seconds_and_little_memory() -> None:
    messages = over_loopback(np.random.default_rng(6), messages=1_000_000, lasts_s=60.0)
    truth = Truth(86_400 * S, 50e-6)
    exchanges = exchanges_of(truth, *messages)
    tracemalloc.start()
    begun_s = time.process_time()
    found = fit_offset(exchanges, span_of(exchanges))
    took_s = time.process_time() - begun_s
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 10
    assert peak_bytes < 32 << 20  # the messages themselves are 32 MB
    assert truth.errors_ns(found, span_of(exchanges)).max() <= found.bound_ns
