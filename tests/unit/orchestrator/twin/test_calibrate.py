"""Overheads measured in tables of requests that are made by hand; times in µs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.join import REQUEST
from orchestrator.results.tables import Table
from orchestrator.twin.calibrate import MIN_COUNT, calibrate, mean_overhead
from orchestrator.twin.demands import Work
from orchestrator.twin.parameters import TYPICAL, Discipline, Kind
from tests.unit.orchestrator.twin.load_fixtures import CPUS, case_of
from tests.unit.orchestrator.twin.run_fixtures import START_NS

US = 1_000
SLEEP = Work(1_000 * US, is_computing=False)
COMPUTE = Work(1_000 * US, is_computing=True)
STEPS = ("begun_ns", "connected_ns", "accepted_ns", "sent_ns", "started_ns", "finished_ns",
         "ended_ns")  # fmt: skip
ALONE = (0, 210, 330, 210, 420, 1_530, 1_730)
"""Connected in 210, accepted 120 later, read 90 later, served for 110 more than 1000, answered in
200."""


def discipline(kind: Kind, workers: int = 2) -> Discipline:
    case = case_of("[{executor: closed, users: 1, messages: 1}]", server=f"{{workers: {workers}}}")
    return Discipline.of(kind, case, CPUS)


def requests(*rows: Sequence[int]) -> Table:
    """Return a request of worker 1 for each of ``rows``, each of a connection of its own."""
    found: Table = np.zeros(len(rows), REQUEST)
    found["outcome"] = OUTCOMES.index("acked")
    found["user"] = np.arange(len(rows))
    found["worker"] = 1
    for place, row in enumerate(rows):
        for step, us in zip(STEPS, row, strict=True):
            found[step][place] = START_NS + us * US
    found["due_ns"] = found["sent_ns"]
    return found


def later(row: Sequence[int], us: int, **changes: int) -> list[int]:
    """Return ``row`` ``us`` later; ``changes`` delay a step, and all after it, by more."""
    moved = [instant + us for instant in row]
    for step, more in changes.items():
        for place in range(STEPS.index(step), len(STEPS)):
            moved[place] += more
    return moved


def test_each_overhead_is_what_a_message_takes_beyond_its_demand() -> None:
    table = requests(*(later(ALONE, 10_000 * number) for number in range(MIN_COUNT)))
    found = calibrate(table, [SLEEP] * MIN_COUNT, discipline(Kind.PROCESS))
    expected = {
        "request_ns": 90, "service_ns": 110, "answer_ns": 200, "connect_ns": 210, "accept_ns": 120,
    }  # fmt: skip
    assert {name: getattr(found, name) / US for name in expected} == expected
    assert found.turnover_ns == TYPICAL.turnover_ns  # no connection waited for another


def test_of_too_few_messages_the_overhead_is_the_typical_one() -> None:
    few = MIN_COUNT - 1
    table = requests(*(later(ALONE, 10_000 * number) for number in range(few)))
    for kind in (Kind.PROCESS, Kind.LOOP):
        found = calibrate(table, [SLEEP] * few, discipline(kind))
        # which only threads have, and those that hand over
        assert found == replace(TYPICAL, switch_ns=0, handover_ns=0, fork_ns=0)


def test_a_minority_of_disturbed_messages_changes_the_mean_and_not_the_calibration() -> None:
    """Three of seven answers take 900 µs more: their mean is 200 + 3 * 900 / 7."""
    rows = [later(ALONE, 10_000 * n, ended_ns=900 if n < 3 else 0) for n in range(7)]
    table, works, served = requests(*rows), [SLEEP] * 7, discipline(Kind.PROCESS)
    assert calibrate(table, works, served).answer_ns == 200 * US
    mean_ns = mean_overhead(table, works, served).answer_ns
    assert mean_ns == pytest.approx(200 * US + 2_700 * US / 7, abs=1)


def test_a_delay_of_more_than_a_millisecond_is_a_disturbance_and_no_overhead() -> None:
    """Each service takes 1001 µs more than its demand: the typical overhead replaces that."""
    rows = [later(ALONE, 10_000 * n, finished_ns=891) for n in range(MIN_COUNT)]
    works = [SLEEP] * MIN_COUNT
    assert calibrate(requests(*rows), works, discipline(Kind.PROCESS)).service_ns == (
        TYPICAL.service_ns
    )
    rows = [later(ALONE, 10_000 * n, finished_ns=890) for n in range(MIN_COUNT)]
    found = calibrate(requests(*rows), works, discipline(Kind.PROCESS))
    assert found.service_ns == 1_000 * US


def test_messages_that_wait_for_a_computation_do_not_count_for_reading() -> None:
    """Five alone are read in 90 µs; twelve in pairs, which overlap, are read 400 µs later."""
    alone = [later(ALONE, 10_000 * n) for n in range(5)]
    pairs = [
        later(ALONE, 100_000 + 10_000 * n + shift, started_ns=400) for n in range(6)
        for shift in (0, 700)
    ]  # fmt: skip
    table, works = requests(*alone, *pairs), [COMPUTE] * 17
    assert calibrate(table, works, discipline(Kind.LOOP)).request_ns == 90 * US
    # A sleep disturbs nobody, so that all count and their median is 490 µs.
    assert calibrate(table, [SLEEP] * 17, discipline(Kind.LOOP)).request_ns == 490 * US


def test_a_turnover_is_from_the_last_ack_to_the_next_connection_without_the_reading() -> None:
    """All connect at 210; the worker takes each 260 after the ack of the one before."""
    rows, taken = [], 330
    for _ in range(MIN_COUNT + 1):
        rows.append((0, 210, taken, 210, taken + 90, taken + 1_200, taken + 1_400))
        taken += 1_400 + 260
    works = [SLEEP] * len(rows)
    found = calibrate(requests(*rows), works, discipline(Kind.PROCESS))
    assert found.turnover_ns == 260 * US
    assert found.request_ns == 90 * US
    assert found.accept_ns == TYPICAL.accept_ns  # only the first found an idle worker


def test_a_loop_resumes_after_a_computation_with_what_waited_for_it() -> None:
    """All were sent at 210; each is started 150 after the end of the one before."""
    rows = [(0, 210, 330, 210, at, at + 1_000, at + 1_200)
            for at in range(400, 400 + 6 * 1_150, 1_150)]  # fmt: skip
    found = calibrate(requests(*rows), [COMPUTE] * 6, discipline(Kind.LOOP))
    assert found.resume_ns == 150 * US
    unblocked = calibrate(requests(*rows), [SLEEP] * 6, discipline(Kind.LOOP))
    assert unblocked.resume_ns == TYPICAL.resume_ns


def test_a_connection_that_waited_for_a_busy_worker_does_not_count_for_accepting() -> None:
    """In each of five rounds one finds the worker idle, and two wait 530 for it."""
    waiting = [
        (1_090, 1_300, 1_830, 1_300, 1_920, 3_030, 3_230),
        (2_590, 2_800, 3_330, 2_800, 3_420, 4_530, 4_730),
    ]
    rows = [later(row, 10_000 * n) for n in range(MIN_COUNT) for row in (ALONE, *waiting)]
    found = calibrate(requests(*rows), [SLEEP] * len(rows), discipline(Kind.PROCESS))
    assert found.accept_ns == 120 * US


PARTS = Work(
    1_000 * US,
    is_computing=True,
    parts=(Work(900 * US, is_computing=False), Work(100 * US, is_computing=True)),
)


def test_a_message_counts_for_reading_if_others_only_sleep_meanwhile() -> None:
    """Each computes in the last part of its service only.

    Of five pairs, the first is read in 90 µs and answered before the second computes. In five other
    pairs, read 400 µs later, each is open while the other computes.
    """
    apart = [later(ALONE, 10_000 * n + shift) for n in range(MIN_COUNT) for shift in (0, 500)]
    close = [later(ALONE, 90_000 + 10_000 * n + shift, started_ns=400)
             for n in range(MIN_COUNT) for shift in (0, 50)]  # fmt: skip
    table = requests(*apart, *close)
    assert calibrate(table, [PARTS] * 20, discipline(Kind.LOOP)).request_ns == 90 * US
    # Without the first part all computations of a pair overlap, and none is read alone.
    found = calibrate(table, [COMPUTE] * 20, discipline(Kind.LOOP))
    assert found.request_ns == TYPICAL.request_ns


def test_a_loop_resumes_after_the_last_part_that_computes() -> None:
    """Each sleeps, computes until its end, and then the loop begins one that was sent meanwhile.

    Services overlap, as their sleeps do: one begins every 600, and the loop begins 150 after the
    end of another what was sent 50 before that end.
    """
    rows = [
        (0, 210, 330, at - 200, at, at + 1_050, at + 1_250) for at in range(2_000, 12_000, 1_200)
    ] + [(0, 210, 330, at + 1_000, at + 1_200, at + 2_250, at + 2_450) for at in (11_600,)]
    found = calibrate(requests(*rows), [PARTS] * len(rows), discipline(Kind.LOOP))
    assert found.resume_ns == 150 * US


HANDED = (0, 210, 330, 210, 870, 1_980, 2_180)
"""Accepted 120 after it was established, handed over 450 later, read 90 later."""


def handed_over(*rows: Sequence[int]) -> Table:
    """Return ``rows``, each taken by its worker 90 before its service."""
    table = requests(*rows)
    table["dequeued_ns"] = table["started_ns"] - np.uint64(90 * US)
    return table


@pytest.mark.parametrize(
    ("kind", "handover_us", "fork_us"),
    [
        (Kind.PROCESSES_EACH, 0, 450),  # most of which is the fork
        (Kind.THREADS_EACH, 450, 0),
        (Kind.PROCESSES_PASSED, 450, 0),
    ],
)
def test_a_hand_over_is_from_when_a_connection_is_accepted_until_its_worker_has_it(
    kind: Kind, handover_us: int, fork_us: int
) -> None:
    rows = [later(HANDED, 10_000 * n) for n in range(MIN_COUNT)]
    found = calibrate(handed_over(*rows), [SLEEP] * MIN_COUNT, discipline(kind))
    assert (found.handover_ns, found.fork_ns) == (handover_us * US, fork_us * US)
    assert (found.accept_ns, found.request_ns) == (120 * US, 90 * US)


def test_a_connection_that_waits_for_the_hand_over_of_another_says_nothing_of_accepting() -> None:
    """In each of five pairs the second is accepted 450 later, when the first has its worker."""
    alone = [later(HANDED, 10_000 * n) for n in range(MIN_COUNT)]
    behind = [later(HANDED, 10_000 * n, accepted_ns=450) for n in range(MIN_COUNT)]
    table = handed_over(*alone, *behind)
    found = calibrate(table, [SLEEP] * 2 * MIN_COUNT, discipline(Kind.PROCESSES_EACH))
    assert found.accept_ns == 120 * US
    assert found.fork_ns == found.dispatch_ns == 450 * US
    mean = mean_overhead(table, [SLEEP] * 2 * MIN_COUNT, discipline(Kind.PROCESSES_EACH))
    assert mean.accept_ns == (120 + 450 / 2) * US  # which contains the waits for hand-overs
    assert mean.dispatch_ns == 1


def test_a_fork_may_take_longer_than_other_overhead() -> None:
    """More than a millisecond is a disturbance of a thread's start, and not of a fork."""
    rows = [later(HANDED, 10_000 * n, started_ns=1_550) for n in range(MIN_COUNT)]
    works = [SLEEP] * MIN_COUNT
    forked = calibrate(handed_over(*rows), works, discipline(Kind.PROCESSES_EACH))
    assert forked.fork_ns == 2_000 * US
    started = calibrate(handed_over(*rows), works, discipline(Kind.THREADS_EACH))
    assert started.handover_ns == TYPICAL.handover_ns


def test_with_a_listener_each_only_a_connection_whose_own_worker_is_idle_is_taken_at_once() -> None:
    """Two workers. While the first of each pair is served, its worker's next waits 1400 more."""
    firsts = [later(ALONE, 10_000 * n) for n in range(MIN_COUNT)]
    seconds = [later(ALONE, 10_000 * n + 100, accepted_ns=1_400) for n in range(MIN_COUNT)]
    table, works = requests(*firsts, *seconds), [SLEEP] * 2 * MIN_COUNT
    assert calibrate(table, works, discipline(Kind.PROCESSES_SPLIT)).accept_ns == 120 * US
    # Of one queue both would have found a worker: the median is far above a millisecond's half.
    assert calibrate(table, works, discipline(Kind.PROCESSES)).accept_ns == 820 * US


def test_behind_a_loop_a_message_that_waits_for_a_worker_says_nothing_of_reading() -> None:
    """One worker: the second message of each pair is begun 60 after the first is served."""
    firsts = [later(ALONE, 10_000 * n) for n in range(MIN_COUNT)]
    seconds = [later(ALONE, 10_000 * n + 50, started_ns=1_120) for n in range(MIN_COUNT)]
    table, works = requests(*firsts, *seconds), [SLEEP] * 2 * MIN_COUNT
    found = calibrate(table, works, discipline(Kind.LOOP_AND_POOL, workers=1))
    assert (found.request_ns, found.resume_ns) == (90 * US, 60 * US)
    assert mean_overhead(table, works, discipline(Kind.LOOP_AND_POOL, 1)).request_ns == 90 * US
