from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.analysis.excerpt import Excerpt, RequestRecord
from orchestrator.report.charts.lanes import (
    COLUMNS,
    LABEL_HEIGHT,
    MAX_ROWS,
    Timeline,
    pointer_data,
    shared_rows,
    timeline,
)
from orchestrator.report.charts.plot import Subject
from orchestrator.report.charts.time_axis import LEAST, UNITS, Units
from orchestrator.results.summary import FaultSummary, RunSummary
from tests.unit.orchestrator.report.report_fixtures import (
    MS,
    case,
    excerpt,
    exhibit,
    request,
    serve,
)

SECOND = Units(1000 * MS)
SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda s: (s[0], s[0] + s[1]))
)


def draw(*requests: RequestRecord) -> Timeline:
    return timeline(Subject("prefork", case(), Exhibit(excerpt(requests))), SECOND, [])


def test_a_message_that_was_never_accepted_waits_to_its_end_and_is_lost() -> None:
    never = request(0, 0, None, (0, None, None, 500 * MS), "timed_out")
    drawn = draw(never)
    assert drawn.has_lost
    assert [bars.style for bars in drawn.connections[0].bars] == ["accept", "lost"]


def test_a_failed_message_is_marked_as_high_as_can_be_seen_in_the_lowest_lane() -> None:
    lost = request(150, 0, None, (0, None, None, 500 * MS), "closed_early")
    drawn = draw(
        *serve(5, users=200, messages=1)[:150], lost, *serve(5, users=200, messages=1)[151:]
    )
    (lane,) = [lane for lane in drawn.connections if lane.has_lost]
    assert lane.name == lane.label == "user 150"
    assert lane.bars[-1].style == "lost"
    assert lane.bars[-1].path == f"M{UNITS // 2} {lane.y + lane.height / 2 - 4.5:g}v9"


@pytest.mark.parametrize(
    ("user", "label"),
    [
        ("user 123456", "user 123456"),
        ("slow user 12", "slow user 12"),
        ("arrivals user 213", "arrivals 213"),
        ("a-group-of-a-long-name user 213", "a-group-o… 213"),
    ],
)
def test_a_long_name_is_shortened_so_that_its_number_stays(user: str, label: str) -> None:
    sent = replace(request(0, 0, 1, (0, 1, 2, 3)), user=user)
    (lane,) = draw(sent).connections
    assert (lane.name, lane.label) == (user, label)


def test_labels_of_neighbours_do_not_overlap() -> None:
    lost = [
        request(user, 0, None, (0, None, None, MS), "reset" if user in {7, 8, 100} else "acked")
        for user in range(200)
    ]
    rows = [lane.y for lane in draw(*lost).connections if lane.label]
    assert all(after - before >= LABEL_HEIGHT for before, after in pairwise(rows))
    labels = {lane.label for lane in draw(*lost).connections}
    assert {"user 7", "user 100"} <= labels


def test_a_lane_for_each_worker_and_each_connection() -> None:
    drawn = draw(*serve(5))
    assert [lane.name for lane in drawn.workers] == [f"worker {n}" for n in range(1, 6)]
    assert [lane.name for lane in drawn.connections] == [f"user {n}" for n in range(7)]
    assert {lane.hue for lane in drawn.workers} == {1, 2, 3, 4, 5}


def test_a_worker_keeps_a_connection_or_has_an_empty_lane() -> None:
    kept = {1: [(0, 300 * MS)], 9: []}
    subject = Subject("p", case(), Exhibit(excerpt([request(0, 0, 1, (0, 0, 9, 9))])))
    first, last = timeline(subject, SECOND, [], kept).workers
    assert [bars.style for bars in first.bars] == ["k1", "service k1"]
    assert (last.name, last.bars) == ("worker 9", [])


def test_lanes_do_not_lie_on_one_another() -> None:
    drawn = timeline(Subject("p", case(), exhibit(serve(5))), SECOND, [2, 2, 2])
    lanes = [(each.y, each.y + each.height) for each in (*drawn.workers, *drawn.connections)]
    edges = [*lanes, *((each.y, each.y + each.height) for each in drawn.depths)]
    assert all(end <= begin for (_, end), (begin, _) in pairwise(edges))
    assert drawn.height == edges[-1][1]


def test_a_worker_that_serves_several_at_once_is_a_loop_with_rows() -> None:
    at_once = [request(n, 0, 1, (0, n * MS, 100 * MS, 101 * MS)) for n in range(7)]
    (lane,) = draw(*at_once).workers
    assert lane.name == "loop 1"
    (bars,) = lane.bars
    heights = {stroke.split("h")[0].split(" ")[1] for stroke in bars.path.split("M")[1:]}
    assert len(heights) == 7


def test_bars_are_drawn_at_their_time() -> None:
    drawn = draw(request(0, 0, 1, (100 * MS, 250 * MS, 500 * MS, 500 * MS)))
    paths = {bars.style: bars.path for bars in drawn.connections[0].bars}
    assert paths["service k1"].startswith(f"M{UNITS // 4} ")
    assert paths["service k1"].endswith(f"h{UNITS // 4}")


def test_the_shortest_span_is_visible() -> None:
    assert Units(10**12).strokes([(0, 1, 5.0)]) == f"M0 5h{LEAST}"


def test_a_complete_picture_has_no_note() -> None:
    assert draw(*serve(5)).left_out == ""


def test_a_thinned_picture_says_what_was_left_out() -> None:
    few = Excerpt(tuple(serve(5, users=3, messages=2)), users=1000, sent=2000)
    drawn = timeline(Subject("p", case(), Exhibit(few)), SECOND, [])
    assert drawn.left_out.startswith("3 of 1000 users and 6 of 2000 messages are drawn, evenly")
    assert "with the slowest; samples/" in drawn.left_out
    failing = replace(few, failing=1, failing_shown=1)
    drawn = timeline(Subject("p", case(), Exhibit(failing)), SECOND, [])
    assert "with the slowest and the one user with a failure; samples/" in drawn.left_out
    failing = replace(few, failing=900, failing_shown=150)
    drawn = timeline(Subject("p", case(), Exhibit(failing)), SECOND, [])
    assert "and 150 of 900 users with a failure" in drawn.left_out


def test_two_hundred_connections_are_low_and_some_have_a_label() -> None:
    drawn = draw(*serve(5, users=200, messages=1))
    assert drawn.height <= 900
    labels = [lane.label for lane in drawn.connections if lane.label]
    assert labels[0] == "user 0"
    assert 0 < len(labels) < 200


def test_faults_are_shaded_from_effect_to_end() -> None:
    fault = FaultSummary(
        fault="pause", worker=None, asked_s=0.1, effect_s=0.25, reverted_s=0.5, error=""
    )
    run = RunSummary(
        slug="p",
        measures={},
        faults=[fault],
        instrument=case().instrument,
        invalid=[],
        overhead_s=0,
    )
    faulty = Subject("p", case(runs=[run]), Exhibit(excerpt(serve(5))))
    (shaded,) = timeline(faulty, SECOND, []).faults
    assert (shaded.begin, shaded.end, shaded.name) == (UNITS // 4, UNITS // 2, "pause")


def test_the_table_adds_up_what_the_lanes_show() -> None:
    table = draw(*serve(1, users=2, messages=2)).table
    assert [row[:3] for row in table.rows] == [("user 0", "1", "2/2"), ("user 1", "1", "2/2")]
    assert table.rows[0][table.headings.index("in service")] == "200.0 ms"


def test_the_script_gets_every_message_as_small_numbers() -> None:
    sent = serve(1, users=2, messages=2)
    numbers = pointer_data(draw(*sent), sent)
    messages = numbers["messages"]
    assert isinstance(messages, list)
    assert len(messages) == len(COLUMNS) * len(sent)
    assert messages[: len(COLUMNS)] == [0, 0, 1, 0, 1000, 0, -1, 0, 100_000, 101_000]


def test_no_spans_take_one_row() -> None:
    assert shared_rows([]) == (1, [])


def test_spans_in_sequence_share_a_row_and_overlapping_ones_do_not() -> None:
    assert shared_rows([(0, 2), (2, 4), (1, 3)]) == (2, [0, 0, 1])


@given(SPANS)
def test_no_two_in_a_row_overlap_and_there_are_no_more_rows_than_needed(
    spans: list[tuple[int, int]],
) -> None:
    rows, row_of = shared_rows(spans)
    at_once = max((sum(b <= t < e for b, e in spans) for t, _ in spans), default=1)
    assert rows == min(at_once, MAX_ROWS)
    if at_once <= MAX_ROWS:
        for row in range(rows):
            own = sorted(span for span, its in zip(spans, row_of, strict=True) if its == row)
            assert all(end <= begin for (_, end), (begin, _) in pairwise(own))
