"""Toxics as pure functions: when chunks are due, and that none is lost, invented or reordered."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultproxy.toxic_spec import read_toxic_specs
from faultproxy.toxics import TOXICS, Chunk, Ending, Toxic

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


def start(kind: str, connection: int = 1, /, **attributes: object) -> Toxic:
    (specs,) = read_toxic_specs([{"type": kind, "attributes": attributes}])
    toxic = specs.start(seed=1, connection=connection, now_ns=0)
    assert toxic is not None
    return toxic


def pipe(toxic: Toxic, *chunks: Chunk) -> list[Chunk]:
    return [shaped for chunk in chunks for shaped in toxic.pipe(chunk)]


def chunks_of(arrivals: list[tuple[int, bytes]]) -> list[Chunk]:
    """Return chunks at increasing times, and the end of the stream."""
    dues = list(accumulate((gap_ns for gap_ns, _ in arrivals), initial=0))
    chunks = [Chunk(due, content) for due, (_, content) in zip(dues, arrivals, strict=False)]
    return [*chunks, Chunk(dues[-1], Ending.EOF)]


def bytes_of(chunks: list[Chunk]) -> bytes:
    return b"".join(chunk.content for chunk in chunks if isinstance(chunk.content, bytes))


def test_every_toxic_is_tested_here() -> None:
    assert set(TYPICAL) == set(TOXICS)


@pytest.mark.parametrize("kind", TYPICAL)
@given(arrivals=ARRIVALS, connection=st.integers(1, 1000))
def test_bytes_keep_their_order_and_none_is_invented(
    kind: str, arrivals: list[tuple[int, bytes]], connection: int
) -> None:
    chunks = chunks_of(arrivals)
    shaped = pipe(start(kind, connection, **TYPICAL[kind]), *chunks)
    assert bytes_of(chunks).startswith(bytes_of(shaped))
    assert all(before.due_ns <= after.due_ns for before, after in pairwise(shaped))
    assert all(each.due_ns >= chunks[0].due_ns for each in shaped)
    assert b"" not in [chunk.content for chunk in shaped]


@pytest.mark.parametrize("kind", ["latency", "bandwidth", "slicer", "slow_close"])
@given(arrivals=ARRIVALS)
def test_toxics_that_delay_lose_no_byte(kind: str, arrivals: list[tuple[int, bytes]]) -> None:
    chunks = chunks_of(arrivals)
    shaped = pipe(start(kind, **TYPICAL[kind]), *chunks)
    assert bytes_of(shaped) == bytes_of(chunks)
    assert shaped[-1].content is Ending.EOF


@given(connection=st.integers(1, 10_000))
def test_jitter_stays_within_its_bounds(connection: int) -> None:
    toxic = start("latency", connection, latency="10ms", jitter="4ms")
    (chunk,) = pipe(toxic, Chunk(0, b"ack"))
    assert 6 * MS <= chunk.due_ns <= 14 * MS


def test_jitter_varies_from_chunk_to_chunk() -> None:
    toxic = start("latency", latency="10ms", jitter="4ms")
    delays = {pipe(toxic, Chunk(at, b"a"))[0].due_ns - at for at in range(0, 900 * MS, 90 * MS)}
    assert len(delays) == 10


def test_chunks_are_delayed_at_the_same_time() -> None:
    shaped = pipe(start("latency", latency="10ms"), Chunk(0, b"a"), Chunk(1 * MS, b"b"))
    assert shaped == [Chunk(10 * MS, b"a"), Chunk(11 * MS, b"b")]


def test_bandwidth_passes_a_tenth_of_a_second_at_once() -> None:
    shaped = pipe(start("bandwidth", rate=1), Chunk(0, bytes(250)))
    assert [(chunk.due_ns // MS, len(chunk.content)) for chunk in shaped] == [  # type: ignore[arg-type]
        (100, 100),
        (200, 100),
        (250, 50),
    ]


def test_unused_bandwidth_is_not_saved() -> None:
    toxic = start("bandwidth", rate=1)
    pipe(toxic, Chunk(0, bytes(10)))
    (late,) = pipe(toxic, Chunk(1000 * MS, bytes(10)))
    assert late.due_ns == 1010 * MS


def test_slices_follow_one_another() -> None:
    shaped = pipe(start("slicer", average_size=2, delay="3ms"), Chunk(0, b"abcde"))
    assert shaped == [Chunk(0, b"ab"), Chunk(3 * MS, b"cd"), Chunk(6 * MS, b"e")]


def test_reset_peer_waits_for_the_first_bytes() -> None:
    toxic = start("reset_peer", timeout="5ms")
    assert toxic.scheduled() is None
    shaped = pipe(toxic, Chunk(1 * MS, b"a"), Chunk(2 * MS, b"b"))
    assert shaped == [Chunk(6 * MS, Ending.RESET)]


def test_reset_peer_at_once_resets_once() -> None:
    assert pipe(start("reset_peer"), Chunk(0, b"a"), Chunk(0, b"b")) == [Chunk(0, Ending.RESET)]


def test_a_timeout_is_scheduled_unless_it_is_0ms() -> None:
    assert start("timeout", timeout="5ms").scheduled() == Chunk(5 * MS, Ending.CLOSE)
    assert start("timeout").scheduled() is None


def test_a_timeout_drops_bytes_and_closes_at_the_end_of_the_stream() -> None:
    shaped = pipe(start("timeout"), Chunk(0, b"a"), Chunk(1, Ending.EOF))
    assert shaped == [Chunk(1, Ending.CLOSE)]


def test_slow_close_delays_the_ending_alone() -> None:
    shaped = pipe(start("slow_close", delay="5ms"), Chunk(0, b"a"), Chunk(0, Ending.EOF))
    assert shaped == [Chunk(0, b"a"), Chunk(5 * MS, Ending.EOF)]


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
    shaped = pipe(start("limit_data", bytes=limit), Chunk(0, b"abc"), Chunk(0, b"def"))
    ended = [chunk.content for chunk in shaped].index(Ending.CLOSE)
    assert [chunk.content for chunk in shaped[:ended]] == passed
