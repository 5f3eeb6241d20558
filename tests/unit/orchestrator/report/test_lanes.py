from orchestrator.records import Excerpt
from orchestrator.report.lanes import UNITS, draw
from tests.unit.orchestrator.report.simulation import MS, excerpt, request, serve


def test_a_lane_for_each_user_in_the_order_given() -> None:
    late = request(0, 0, 1, (0, 500 * MS, 600 * MS, 601 * MS))
    early = request(1, 0, 1, (0, 400 * MS, 500 * MS, 501 * MS))
    never = request(2, 0, None, (0, None, None, 700 * MS), "reset")
    picture = draw(excerpt([early, late, never]), 1000 * MS)
    assert [lane.label for lane in picture.lanes] == ["user 1", "user 0", "user 2"]
    assert [lane.y for lane in picture.lanes] == [0, 18, 36]


def test_a_bar_waits_and_then_is_served() -> None:
    picture = draw(excerpt([request(0, 0, 3, (100 * MS, 250 * MS, 500 * MS, 501 * MS))]), 1000 * MS)
    (bar,) = picture.lanes[0].bars
    assert (bar.x, bar.start, bar.end) == (UNITS // 10, UNITS // 4, UNITS // 2)
    assert bar.hue == 3
    assert not bar.is_lost
    assert bar.told == (
        "user 0, message 0: sent at 100.0 ms, waited 150.0 ms, served for 250.0 ms by worker 3, "
        "acked at 501.0 ms"
    )


def test_what_the_server_never_served_waits_to_its_end_and_is_lost() -> None:
    picture = draw(
        excerpt([request(0, 0, None, (0, None, None, 500 * MS), "timed_out")]), 1000 * MS
    )
    (bar,) = picture.lanes[0].bars
    assert (bar.x, bar.start, bar.end, bar.hue) == (0, UNITS // 2, UNITS // 2, None)
    assert bar.is_lost
    assert picture.has_lost
    assert bar.told.endswith("timed out at 500.0 ms")


def test_the_legend_counts_what_each_worker_served() -> None:
    assert draw(excerpt(serve(5)), 2000 * MS).workers == [(1, 10), (2, 10), (3, 5), (4, 5), (5, 5)]


def test_a_picture_of_everything_says_nothing_of_leaving_out() -> None:
    assert draw(excerpt(serve(5)), 2000 * MS).left_out == ""


def test_what_was_left_out_is_said() -> None:
    few = Excerpt(tuple(serve(5, users=3, messages=2)), users=1000, sent=2000)
    assert draw(few, 40_000 * MS).left_out.startswith(
        "3 of 1000 users and 6 of 2000 messages are drawn, evenly"
    )


def test_two_hundred_lanes_are_low_and_some_have_a_label() -> None:
    picture = draw(excerpt(serve(5, users=200, messages=1)), 4_000 * MS)
    assert picture.height <= 600
    labels = [lane.label for lane in picture.lanes if lane.label]
    assert labels[0] == "user 0"
    assert 0 < len(labels) < 200
