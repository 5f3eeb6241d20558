"""The parts of a request's response time: named by hand in small cases, complete in any."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.breakdown import decompose, slowest_requests, stage_measures
from orchestrator.analysis.join import REQUEST
from orchestrator.measures.stages import STAGES
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table

INSTANTS = [name for name in REQUEST.names or () if name.endswith("_ns")]
PROMPT = {
    "outcome": ACKED, "due_ns": 100, "begun_ns": 100, "connected_ns": 110, "sent_ns": 110,
    "accepted_ns": 110, "received_ns": 110, "started_ns": 110, "finished_ns": 150,
    "acked_ns": 151, "first_byte_ns": 155, "ended_ns": 155,
}  # fmt: skip


def requests(*rows: Mapping[str, int]) -> Table:
    found: Table = np.zeros(len(rows), REQUEST)
    for place, row in enumerate(rows):
        for column, cell in row.items():
            found[column][place] = cell
    return found


def parts_of(row: Mapping[str, int]) -> dict[str, int]:
    (found,) = decompose(requests(row))
    return {stage: int(found[f"{stage}_ns"]) for stage in STAGES if found[f"{stage}_ns"]}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"connect": 10, "service": 40, "answer": 5}),
        ({"due_ns": 70}, {"schedule_lag": 30, "connect": 10, "service": 40, "answer": 5}),
        ({"connected_ns": 104}, {"schedule_lag": 6, "connect": 4, "service": 40, "answer": 5}),
        ({"begun_ns": 1, "connected_ns": 2, "accepted_ns": 3, "sent_ns": 100},
         {"unread": 10, "service": 40, "answer": 5}),
        ({"accepted_ns": 120, "received_ns": 123, "started_ns": 130},
         {"connect": 10, "accept_queue": 10, "unread": 3, "application_queue": 7, "service": 20,
          "answer": 5}),
        ({"accepted_ns": 112, "dequeued_ns": 130, "received_ns": 131, "started_ns": 131},
         {"connect": 10, "accept_queue": 2, "application_queue": 18, "unread": 1, "service": 19,
          "answer": 5}),
        ({"accepted_ns": 0, "received_ns": 0, "started_ns": 0, "finished_ns": 0},
         {"connect": 10, "unattributed": 45}),
    ],
    ids=["prompt", "late", "slow to send", "connected before", "not accepted", "queued", "no log"],
)  # fmt: skip
def test_each_wait_has_its_name(changes: Mapping[str, int], expected: dict[str, int]) -> None:
    assert parts_of({**PROMPT, **changes}) == expected


def test_an_arrival_waits_for_the_request_before_it_on_its_connection() -> None:
    second = {**PROMPT, "message": 1, "due_ns": 120, "sent_ns": 158}
    second |= {"received_ns": 160, "started_ns": 160, "finished_ns": 170, "ended_ns": 172}
    found = decompose(requests(PROMPT, second))[1]
    assert (found["connection_wait_ns"], found["schedule_lag_ns"]) == (35, 3)


def test_what_was_sent_before_the_answer_to_the_last_did_not_wait_for_a_connection() -> None:
    second = {**PROMPT, "message": 1, "due_ns": 111, "sent_ns": 112, "ended_ns": 200}
    assert decompose(requests(PROMPT, second))[1]["connection_wait_ns"] == 0


@st.composite
def any_requests(draw: st.DrawFn) -> Table:
    """Draw requests of a few users whose instants are in any order, some of them unknown."""
    rows = draw(st.lists(st.fixed_dictionaries({
        "user": st.integers(0, 2),
        "outcome": st.integers(0, len(OUTCOMES) - 1),
        **{name: st.just(0) | st.integers(1, 1000) for name in INSTANTS},
        "due_ns": st.integers(1, 1000), "sent_ns": st.integers(1, 1000),
        "ended_ns": st.integers(1000, 2000),
    }), max_size=20))  # fmt: skip
    return requests(*rows)


@given(any_requests())
def test_the_parts_add_up_to_the_response_time_and_none_is_negative(table: Table) -> None:
    parts = decompose(table)
    together = sum((parts[f"{stage}_ns"] for stage in STAGES), np.zeros(len(table), np.int64))
    response_ns = table["ended_ns"].astype(np.int64) - table["due_ns"].astype(np.int64)
    assert (together == np.where(table["outcome"] == ACKED, response_ns, 0)).all()
    assert all((parts[f"{stage}_ns"] >= 0).all() for stage in STAGES)


def test_the_slowest_are_a_hundredth_of_all_and_at_least_one() -> None:
    rows = [{**PROMPT, "user": user, "ended_ns": 155 + user} for user in range(250)]
    parts = decompose(requests(*rows))
    assert sorted(slowest_requests(parts)["answer_ns"].tolist()) == [5 + 248, 5 + 249]
    assert slowest_requests(parts[:3])["answer_ns"].tolist() == [7]
    assert stage_measures(slowest_requests(parts[:0]))["time_in_service"] is None
