"""Whether a load is hopeless, by what its clients report."""

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from labkit.wire.histogram import BUCKETS, bucket_of
from labkit.wire.progress import Pulse
from orchestrator.execution.abort import AbortWatch
from orchestrator.measures.expression import parse_expression

INPUTS = {"users": 7.0, "service_time": 0.1}
PULSE = Pulse(acked=150, failed=20, errors=4, connections=9, sent=200, unsent=6)


def times(*durations_s: float) -> tuple[int, ...]:
    counts = [0] * BUCKETS
    for each in durations_s:
        counts[bucket_of(round(each * 1e9))] += 1
    return tuple(counts)


def watch(*written: str, warmup_s: float = 0.0) -> AbortWatch:
    return AbortWatch(list(map(parse_expression, written)), INPUTS, warmup_s)


def seconds_ago(age_s: float) -> int:
    return time.monotonic_ns() - round(age_s * 1e9)


@pytest.mark.parametrize(
    ("written", "is_hopeless"),
    [
        (["errors > 3"], True),
        (["errors > 4"], False),
        (["failed / acked > 10%"], True),
        (["in_flight == 30", "errors > 100"], True),
        (["in_flight > 5 * users"], False),
        (["sent - unsent < 0"], False),
        (["p90 > 20 * service_time"], True),  # 2.5 s
        (["p50 > 200ms"], False),
        (["p50 < 200ms"], False),  # p50 is 100 ms or more: it may be above
        (["p999 > 1ms"], False),  # unknown with 100 messages
        ([], False),
    ],
)
def test_a_load_is_hopeless_once_an_expression_is_true(
    written: Sequence[str], is_hopeless: bool
) -> None:
    pulse = replace(PULSE, times=times(*[0.1] * 80, *[2.5] * 20))
    aborts = watch(*written)
    assert aborts.is_hopeless(pulse, seconds_ago(4.2)) is is_hopeless
    assert (aborts.found is not None) is is_hopeless


def test_what_was_found_says_what_was_known_and_when() -> None:
    aborts = watch("errors > 9", "p99 > 2s")
    assert aborts.is_hopeless(replace(PULSE, times=times(*[3.2] * 100)), seconds_ago(4.2))
    assert aborts.found is not None
    assert (aborts.found.expression, aborts.found.right) == ("p99 > 2s", "2.000 s")
    assert aborts.found.left == "≥ 2.953 s"
    assert 4.2 <= aborts.found.at_s < 5.2


def test_a_percentile_of_no_messages_is_unknown_and_aborts_nothing() -> None:
    assert not watch("p99 > 0s", "failed / acked > 10%").is_hopeless(Pulse(), seconds_ago(1))


def test_nothing_is_judged_during_the_warm_up() -> None:
    aborts = watch("errors > 3", warmup_s=2.0)
    assert not aborts.is_hopeless(PULSE, seconds_ago(1))
    assert aborts.is_hopeless(PULSE, seconds_ago(3))
