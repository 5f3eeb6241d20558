"""Toxics as pure functions: what is due when, and that nothing is lost, made up or overtaken."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultproxy.piece import Ending, Piece
from faultproxy.prescription import read_prescription
from faultproxy.toxics import TOXICS, Toxic

MS = 1_000_000
TYPICAL: dict[str, dict[str, object]] = {
    "latency": {"latency": "10ms", "jitter": "30ms"},
    "bandwidth": {"rate": 3},
    "slicer": {"average_size": 5, "size_variation": 9, "delay": "2ms"},
    "reset_peer": {"timeout": "5ms"},
    "timeout": {"timeout": "5ms"},
    "slow_close": {"delay": "10ms"},
    "limit_data": {"bytes": 70},
}
ARRIVALS = st.lists(st.tuples(st.integers(0, 50 * MS), st.binary(min_size=1, max_size=200)))


def begin(kind: str, connection: int = 1, /, **attributes: object) -> Toxic:
    (prescribed,) = read_prescription([{"type": kind, "attributes": attributes}])
    toxic = prescribed.begin(seed=1, connection=connection, now_ns=0)
    assert toxic is not None
    return toxic


def shape(toxic: Toxic, *pieces: Piece) -> list[Piece]:
    return [shaped for piece in pieces for shaped in toxic.shape(piece)]


def pieces_of(arrivals: list[tuple[int, bytes]]) -> list[Piece]:
    """Return pieces that come after one another, and the end of the stream."""
    dues = list(accumulate((gap_ns for gap_ns, _ in arrivals), initial=0))
    pieces = [Piece(due, content) for due, (_, content) in zip(dues, arrivals, strict=False)]
    return [*pieces, Piece(dues[-1], Ending.EOF)]


def bytes_of(pieces: list[Piece]) -> bytes:
    return b"".join(piece.content for piece in pieces if isinstance(piece.content, bytes))


def test_every_toxic_is_tried_here() -> None:
    assert set(TYPICAL) == set(TOXICS)


@pytest.mark.parametrize("kind", TYPICAL)
@given(arrivals=ARRIVALS, connection=st.integers(1, 1000))
def test_bytes_come_in_order_and_none_is_made_up(
    kind: str, arrivals: list[tuple[int, bytes]], connection: int
) -> None:
    pieces = pieces_of(arrivals)
    shaped = shape(begin(kind, connection, **TYPICAL[kind]), *pieces)
    assert bytes_of(pieces).startswith(bytes_of(shaped))
    assert all(before.due_ns <= after.due_ns for before, after in pairwise(shaped))
    assert all(shaped_piece.due_ns >= pieces[0].due_ns for shaped_piece in shaped)
    assert b"" not in [piece.content for piece in shaped]


@pytest.mark.parametrize("kind", ["latency", "bandwidth", "slicer", "slow_close"])
@given(arrivals=ARRIVALS)
def test_what_only_delays_loses_nothing(kind: str, arrivals: list[tuple[int, bytes]]) -> None:
    pieces = pieces_of(arrivals)
    shaped = shape(begin(kind, **TYPICAL[kind]), *pieces)
    assert bytes_of(shaped) == bytes_of(pieces)
    assert shaped[-1].content is Ending.EOF


@given(connection=st.integers(1, 10_000))
def test_jitter_stays_within_its_bounds(connection: int) -> None:
    toxic = begin("latency", connection, latency="10ms", jitter="4ms")
    (piece,) = shape(toxic, Piece(0, b"ack"))
    assert 6 * MS <= piece.due_ns <= 14 * MS


def test_jitter_varies_from_piece_to_piece() -> None:
    toxic = begin("latency", latency="10ms", jitter="4ms")
    delays = {shape(toxic, Piece(at, b"a"))[0].due_ns - at for at in range(0, 900 * MS, 90 * MS)}
    assert len(delays) == 10


def test_pieces_are_delayed_at_the_same_time() -> None:
    shaped = shape(begin("latency", latency="10ms"), Piece(0, b"a"), Piece(1 * MS, b"b"))
    assert shaped == [Piece(10 * MS, b"a"), Piece(11 * MS, b"b")]


def test_bandwidth_lets_a_tenth_of_a_second_through_at_once() -> None:
    shaped = shape(begin("bandwidth", rate=1), Piece(0, bytes(250)))
    assert [(piece.due_ns // MS, len(piece.content)) for piece in shaped] == [  # type: ignore[arg-type]
        (100, 100),
        (200, 100),
        (250, 50),
    ]


def test_bandwidth_that_was_not_used_is_not_saved() -> None:
    toxic = begin("bandwidth", rate=1)
    shape(toxic, Piece(0, bytes(10)))
    (late,) = shape(toxic, Piece(1000 * MS, bytes(10)))
    assert late.due_ns == 1010 * MS


def test_slices_follow_one_another() -> None:
    shaped = shape(begin("slicer", average_size=2, delay="3ms"), Piece(0, b"abcde"))
    assert shaped == [Piece(0, b"ab"), Piece(3 * MS, b"cd"), Piece(6 * MS, b"e")]


def test_reset_peer_waits_for_something_to_be_sent() -> None:
    toxic = begin("reset_peer", timeout="5ms")
    assert toxic.appointment() is None
    shaped = shape(toxic, Piece(1 * MS, b"a"), Piece(2 * MS, b"b"))
    assert shaped == [Piece(6 * MS, Ending.RESET)]


def test_reset_peer_at_once_resets_once() -> None:
    assert shape(begin("reset_peer"), Piece(0, b"a"), Piece(0, b"b")) == [Piece(0, Ending.RESET)]


def test_a_timeout_has_an_appointment_unless_it_is_nothing() -> None:
    assert begin("timeout", timeout="5ms").appointment() == Piece(5 * MS, Ending.CLOSE)
    assert begin("timeout").appointment() is None


def test_a_timeout_swallows_bytes_and_closes_at_the_end_of_the_stream() -> None:
    shaped = shape(begin("timeout"), Piece(0, b"a"), Piece(1, Ending.EOF))
    assert shaped == [Piece(1, Ending.CLOSE)]


def test_slow_close_delays_the_ending_alone() -> None:
    shaped = shape(begin("slow_close", delay="5ms"), Piece(0, b"a"), Piece(0, Ending.EOF))
    assert shaped == [Piece(0, b"a"), Piece(5 * MS, Ending.EOF)]


@pytest.mark.parametrize(
    ("limit", "passed"),
    [
        (0, []),
        (2, [b"ab"]),
        (3, [b"abc"]),
        (4, [b"abc", b"d"]),
    ],
)
def test_limit_data_closes_after_the_last_byte(limit: int, passed: list[bytes]) -> None:
    shaped = shape(begin("limit_data", bytes=limit), Piece(0, b"abc"), Piece(0, b"def"))
    ended = [piece.content for piece in shaped].index(Ending.CLOSE)
    assert [piece.content for piece in shaped[:ended]] == passed
