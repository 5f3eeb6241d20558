from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol.session import End, Limits, Request, Session
from labkit.protocol.work import Demand

DEFAULT = Demand("sleep", 2.0)
LIMITS = Limits(DEFAULT, max_message_bytes=20, max_service_time_s=60.0)
ROOMY = Limits(DEFAULT, max_message_bytes=200, max_service_time_s=0.3)


def _run(segments: list[bytes], *, eof: bool = True) -> tuple[list[Request], End | None]:
    session, requests = Session(LIMITS), []
    for now_ns, segment in enumerate([*filter(None, segments), *([b""] if eof else [])]):
        session.receive(segment, now_ns)
        while (request := session.next_request()) is not None:
            requests.append(request)
    return requests, session.end


def _ids(stream: bytes) -> tuple[list[str], End | None]:
    requests, end = _run([stream])
    return [request.id for request in requests], end


REFUSED_LONG = End("message longer than 20 bytes", failed=True)
REFUSED_BYTE = End("byte over 127", failed=True)
CUT_OFF = End("disconnected inside a message", failed=True)


@pytest.mark.parametrize(
    ("stream", "ids", "end"),
    [
        (b"", [], End("eof")),
        (b"\x03", [""], End("eof")),
        (b"a\x03b\x03", ["a", "b"], End("eof")),
        (b"a\x03b", ["a"], CUT_OFF),
        (b"good", [], CUT_OFF),
        (b"goodbye", [], CUT_OFF),
        (b"goodbye\x03", [], End("goodbye")),
        (b"a\x03goodbye\x03b\x03", ["a"], End("goodbye")),
        (b"goodbye \x03", ["goodbye"], End("eof")),
        (b"x" * 20 + b"\x03", ["x" * 20], End("eof")),
        (b"x" * 21 + b"\x03", [], REFUSED_LONG),
        (b"x" * 20, [], CUT_OFF),
        (b"x" * 21, [], REFUSED_LONG),
        (b"a\x03\x80\x03b\x03", ["a"], REFUSED_BYTE),
        (b"\x7f\x03", ["\x7f"], End("eof")),
        (b"a\x03b\xff", ["a"], REFUSED_BYTE),
    ],
)
def test_how_a_stream_ends(stream: bytes, ids: list[str], end: End) -> None:
    assert _ids(stream) == (ids, end)


@pytest.mark.parametrize(
    ("message", "demand"),
    [
        (b"a", DEFAULT),
        (b"a sleep=5ms", Demand("sleep", 0.005)),
        (b"a cpu=60s", Demand("cpu", 60.0)),
        (b"a cpu=1ms more text", Demand("cpu", 0.001)),
        (b"package 1", DEFAULT),
        (b"a sleeping=1", DEFAULT),
        (b"a b sleep=1ms", DEFAULT),
        (b" \t", DEFAULT),
    ],
)
def test_the_second_word_is_the_demand(message: bytes, demand: Demand) -> None:
    requests, end = _run([message + b"\x03"])
    assert [request.demand for request in requests] == [demand]
    assert end == End("eof")


@pytest.mark.parametrize(
    "message", [b"a sleep=1", b"a sleep=", b"a cpu=-1s", b"a cpu=61s", b"a sleep=1m1s", b"a cpu=2m"]
)
def test_a_bad_demand_is_refused(message: bytes) -> None:
    requests, end = _run([message + b"\x03b\x03"])
    assert requests == []
    assert end is not None
    assert end.failed
    assert end.reason.startswith("demand ")


def test_a_refusal_needs_no_end_of_the_message() -> None:
    assert _run([b"x" * 21], eof=False)[1] == REFUSED_LONG
    assert _run([b"x\x80"], eof=False)[1] == REFUSED_BYTE


def test_a_request_says_when_its_last_byte_came() -> None:
    requests, _ = _run([b"a\x03b", b"c", b"\x03"])
    assert [request.received_ns for request in requests] == [0, 2]


@given(
    st.lists(st.sampled_from([b"a", b"\x03", b"goodbye", b" sleep=1ms", b"\xff", b"x" * 12])),
    st.lists(st.integers(0, 100)),
)
def test_every_way_to_cut_a_stream_gives_the_same_requests(
    parts: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(parts)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    segments = [stream[low:high] for low, high in pairwise(edges)]
    whole, cut = _run([stream]), _run(segments)
    assert [request[:2] for request in cut[0]] == [request[:2] for request in whole[0]]
    assert cut[1] is not None
    assert whole[1] is not None
    assert cut[1].failed == whole[1].failed  # of two faults, the first to be seen is named


def test_a_request_that_is_put_back_is_the_next() -> None:
    session = Session(LIMITS)
    session.receive(b"a\x03b\x03goodbye\x03", 1)
    for name in ("a", "b"):
        request = session.next_request()
        assert request is not None
        assert request.id == name
        session.put_back(request)
        assert session.pending is request
        assert session.next_request() is request
        assert session.pending is None
    assert session.next_request() is None
    session.put_back(None)
    assert session.next_request() is None
    assert session.end == End("goodbye")


@pytest.mark.parametrize("word", ["sleep=100ms+sleep=200ms", "cpu=0.1s+sleep=0.1s+cpu=0.1s"])
def test_parts_that_are_as_long_as_the_limit_together_are_served(word: str) -> None:
    session = Session(ROOMY)
    session.receive(f"a {word} text\x03".encode(), 1)
    request = session.next_request()
    assert request is not None
    assert request.demand.duration_s == 0.3


def test_parts_that_are_longer_than_the_limit_together_are_refused() -> None:
    session = Session(ROOMY)
    session.receive(b"a sleep=200ms+cpu=101ms\x03", 1)
    assert session.next_request() is None
    assert session.end == End("demand over 0.3s", failed=True)


def test_a_space_ends_the_demand() -> None:
    session = Session(ROOMY)
    session.receive(b"a sleep=10ms + cpu=2ms\x03", 1)
    request = session.next_request()
    assert request is not None
    assert request.demand == Demand("sleep", 0.01)


def test_what_is_unserved_is_what_no_request_contains() -> None:
    session = Session(LIMITS)
    assert session.unserved == (b"", 0)
    session.receive(b"a\x03b\x03c", 7)
    assert session.next_request() is not None
    assert session.unserved == (b"b\x03c", 7)
