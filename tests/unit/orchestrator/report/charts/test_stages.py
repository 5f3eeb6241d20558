"""The spans of time that a message passes through; each with its begin and end in ms."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.excerpt import RequestRecord
from orchestrator.report.charts.stages import LANE_STAGES, spans
from tests.unit.orchestrator.report.report_fixtures import MS, request

INSTANTS = st.lists(st.integers(0, 100), min_size=6, max_size=6).map(sorted)


def stages_of(record: RequestRecord) -> list[tuple[str, int, int]]:
    return [
        (stage.style, begin_ns // MS, end_ns // MS) for stage, begin_ns, end_ns in spans(record)
    ]


def test_a_message_passes_its_stages_end_to_end() -> None:
    seen = RequestRecord(
        "r0.c0.m0", "user 0", 0, 1, "acked", due_ns=0, sent_ns=10 * MS, ended_ns=90 * MS,
        received_ns=40 * MS, started_ns=50 * MS, finished_ns=80 * MS, accepted_ns=30 * MS,
    )  # fmt: skip
    assert stages_of(seen) == [
        ("lag", 0, 10), ("accept", 10, 30), ("queue", 30, 50), ("service", 50, 80),
        ("answer", 80, 90),
    ]  # fmt: skip


def test_a_connection_accepted_earlier_does_not_wait_to_be_accepted() -> None:
    again = RequestRecord(
        "r0.c0.m1", "user 0", 1, 1, "acked", due_ns=100 * MS, sent_ns=100 * MS, ended_ns=300 * MS,
        received_ns=200 * MS, started_ns=200 * MS, finished_ns=300 * MS, accepted_ns=30 * MS,
    )  # fmt: skip
    assert stages_of(again) == [("queue", 100, 200), ("service", 200, 300)]


def test_a_message_that_was_never_accepted_waits_for_that_until_its_end() -> None:
    never = request(0, 0, None, (0, None, None, 500 * MS), "timed_out")
    assert stages_of(never) == [("accept", 0, 500)]


def record(
    accepted_ms: int | None, started_ms: int | None, finished_ms: int | None
) -> RequestRecord:
    """Return a message that is due at 0 ms, sent at 10 ms and over at 90 ms."""
    accepted_ns, started_ns, finished_ns = (
        None if ms is None else ms * MS for ms in (accepted_ms, started_ms, finished_ms)
    )
    return RequestRecord(
        "r0.c0.m0", "user 0", 0, 1, "reset", due_ns=0, sent_ns=10 * MS, ended_ns=90 * MS,
        received_ns=started_ns, started_ns=started_ns, finished_ns=finished_ns,
        accepted_ns=accepted_ns,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("instants_ms", "expected"),
    [
        # accepted, but not served: it waits in a queue until its end
        ((30, None, None), [("lag", 0, 10), ("accept", 10, 30), ("queue", 30, 90)]),
        # served, but not finished: it is in service until its end
        ((30, 50, None), [("lag", 0, 10), ("accept", 10, 30), ("queue", 30, 50),
                          ("service", 50, 90)]),
        # accepted before it was sent, as all but the first message of a connection
        ((5, 50, 80), [("lag", 0, 10), ("queue", 10, 50), ("service", 50, 80),
                       ("answer", 80, 90)]),
        # the server read the acceptance off the clock after the start of service
        ((60, 50, 80), [("lag", 0, 10), ("accept", 10, 50), ("service", 50, 80),
                        ("answer", 80, 90)]),
        # no acceptance is known
        ((None, 50, 80), [("lag", 0, 10), ("queue", 10, 50), ("service", 50, 80),
                          ("answer", 80, 90)]),
    ],
)  # fmt: skip
def test_what_is_not_known_is_part_of_the_wait(
    instants_ms: tuple[int | None, int | None, int | None], expected: list[tuple[str, int, int]]
) -> None:
    assert stages_of(record(*instants_ms)) == expected


@given(INSTANTS)
def test_the_stages_fill_the_time_from_due_to_the_end_in_order(instants: list[int]) -> None:
    due, sent, accepted, started, finished, ended = instants
    message = RequestRecord(
        "r0.c0.m0", "user 0", 0, 1, "acked", due, sent, ended, started, started, finished, accepted
    )
    found = list(spans(message))
    assert sum(end - begin for _, begin, end in found) == ended - due
    assert all(end > begin for _, begin, end in found)
    assert all(before[2] == after[1] for before, after in pairwise(found))
    order = [LANE_STAGES.index(stage) for stage, _, _ in found]
    assert order == sorted(set(order))
