"""The last seconds of a server, by what it says."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.explore.watch.narration import Said
from orchestrator.explore.watch.window import (
    LOST,
    MOST_ENDED,
    MOST_SERVICES,
    SPAN_NS,
    Window,
)

S = 1_000_000_000
PORT = 40_000
EVENTS = (
    "accepted", "dequeued", "request_started", "request_acked", "connection_closed",
    "connection_failed", "worker_started", "worker_exited", "listening",
)  # fmt: skip
SAID = st.builds(
    Said,
    st.sampled_from(EVENTS),
    st.integers(0, 2),
    conn=st.sampled_from(["", "1.1", "2.1"]),
    request=st.sampled_from(["", "a", "b"]),
    port=st.integers(1, 3),
    about=st.integers(0, 2),
    reason=st.sampled_from(["reload", "SIGKILL", "eof"]),
)


def accept(window: Window, conn: str, at_ns: int, worker: int = 1, port: int = PORT) -> None:
    window.take(Said("accepted", worker, conn=conn, port=port), at_ns)


def serve(window: Window, conn: str, begin_ns: int, end_ns: int, worker: int = 1) -> None:
    window.take(Said("request_started", worker, conn=conn, request="a"), begin_ns)
    window.take(Said("request_acked", worker, conn=conn, request="a"), end_ns)


def test_a_message_is_in_service_until_its_ack() -> None:
    window = Window()
    accept(window, "1.1", S)
    window.take(Said("request_started", 1, conn="1.1", request="hello"), 2 * S)
    running = window.view(3 * S)
    assert [(each.begun_ns, each.ended_ns) for each in running.services] == [(2 * S, None)]
    assert [each.state for each in running.open] == ["in service: hello"]
    window.take(Said("request_acked", 1, conn="1.1", request="hello"), 4 * S)
    served = window.view(5 * S)
    assert [(each.begun_ns, each.ended_ns) for each in served.services] == [(2 * S, 4 * S)]
    assert (served.acked, served.accepted, served.workers) == (1, 1, (1,))
    assert [each.state for each in served.open] == ["no message in service"]


def test_a_connection_waits_for_a_worker_until_one_takes_it() -> None:
    window = Window()
    accept(window, "0.1", S, worker=0)
    assert [each.state for each in window.view(2 * S).open] == ["accepted, with no worker"]
    window.take(Said("dequeued", 3, conn="0.1"), 3 * S)
    (conn,) = window.view(4 * S).open
    assert (conn.worker, conn.held_ns, conn.accepted_ns) == (3, 3 * S, S)


def test_a_connection_waits_to_be_accepted_since_it_was_first_seen() -> None:
    window = Window()
    window.note_waiting({PORT}, S)
    window.note_waiting({PORT, PORT + 1}, 2 * S)
    waiting = window.view(3 * S)
    assert [(each.port, each.came_ns) for each in waiting.open] == [(PORT, S), (PORT + 1, 2 * S)]
    assert [each.state for each in waiting.open] == ["waits to be accepted"] * 2
    accept(window, "1.1", 4 * S)
    window.note_waiting({PORT, PORT + 1}, 4 * S)  # the kernel was read before the line
    first, second = window.view(5 * S).open
    assert (first.came_ns, first.accepted_ns) == (S, 4 * S)
    assert (second.port, second.accepted_ns) == (PORT + 1, None)


def test_what_has_ended_leaves_with_the_window() -> None:
    window = Window()
    window.take(Said("worker_started", 0, about=2), 0)
    accept(window, "1.1", S)
    serve(window, "1.1", 2 * S, 3 * S)
    window.take(Said("connection_closed", 1, conn="1.1", reason="eof"), 4 * S)
    view = window.view(4 * S + SPAN_NS)
    assert [each.state for each in view.connections] == ["ended: eof"]
    assert view.services == ()
    later = window.view(5 * S + SPAN_NS)
    assert (later.connections, later.workers, later.accepted) == ((), (2,), 1)


def test_a_killed_worker_loses_its_connection_and_a_replaced_one_does_not() -> None:
    window = Window()
    accept(window, "1.1", S, worker=1)
    accept(window, "2.1", S, worker=2)
    window.take(Said("request_started", 1, conn="1.1", request="a"), 2 * S)
    window.take(Said("worker_exited", 0, about=1, reason="SIGKILL"), 3 * S)
    window.take(Said("worker_exited", 0, about=2, reason="reload"), 3 * S)
    view = window.view(4 * S)
    assert [(each.conn, each.ending) for each in view.connections] == [("1.1", LOST), ("2.1", "")]
    assert [each.ended_ns for each in view.services] == [3 * S]


def test_a_second_message_ends_the_first_whose_ack_comes_later() -> None:
    window = Window()
    accept(window, "1.1", S)
    for request in ("a", "b"):
        window.take(Said("request_started", 1, conn="1.1", request=request), 2 * S)
    for request in ("a", "b"):
        window.take(Said("request_acked", 1, conn="1.1", request=request), 3 * S)
    view = window.view(4 * S)
    assert [(each.request, each.ended_ns) for each in view.services] == [("a", 2 * S), ("b", 3 * S)]
    assert view.acked == 2


def test_memory_is_bounded_and_a_cut_is_said() -> None:
    window = Window()
    for number in range(MOST_ENDED + 1):
        accept(window, f"1.{number}", S)
        window.take(Said("connection_closed", 1, conn=f"1.{number}", reason="eof"), 2 * S)
    assert len(window.view(3 * S).connections) == MOST_ENDED
    assert window.view(3 * S).is_cut
    accept(window, "1.1", SPAN_NS)
    assert not window.view(3 * S + SPAN_NS).is_cut
    for number in range(MOST_SERVICES + 1):
        serve(window, "1.1", 2 * SPAN_NS, 2 * SPAN_NS + number)
    view = window.view(2 * SPAN_NS + 2 * S)
    assert (len(view.services), view.acked, view.is_cut) == (MOST_SERVICES, MOST_SERVICES + 1, True)


@given(st.lists(st.tuples(SAID, st.integers(0, SPAN_NS))))
def test_any_order_of_events_has_a_window(steps: list[tuple[Said, int]]) -> None:
    window = Window()
    now_ns = 0
    for said, after_ns in steps:
        now_ns += after_ns
        window.take(said, now_ns)
        window.note_waiting({said.port}, now_ns)
        view = window.view(now_ns)
        assert all(
            each.ended_ns is None or each.ended_ns >= view.begin_ns for each in view.services
        )
        assert all(each.begun_ns <= (each.ended_ns or now_ns) for each in view.services)
        came = [each.came_ns for each in view.connections]
        assert came == sorted(came)
    assert window.view(now_ns).accepted == sum(each.event == "accepted" for each, _ in steps)
