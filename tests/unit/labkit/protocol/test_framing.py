from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol.framing import Framer


def _messages(segments: list[bytes]) -> tuple[list[bytes], bytes]:
    framer, messages = Framer(), []
    for segment in segments:
        framer.receive(segment)
        while (message := framer.next_message()) is not None:
            messages.append(message)
    return messages, framer.tail


def test_every_split_in_two_gives_the_same_messages() -> None:
    stream = b"one\x03\x03two\x03three"
    for cut in range(len(stream) + 1):
        assert _messages([stream[:cut], stream[cut:]]) == ([b"one", b"", b"two"], b"three")


@given(st.lists(st.binary(max_size=6)))
def test_every_way_to_cut_a_stream_gives_the_same_messages(segments: list[bytes]) -> None:
    *expected, tail = b"".join(segments).split(b"\x03")
    assert _messages(segments) == (expected, tail)


@given(st.lists(st.binary(max_size=6)))
def test_messages_not_yet_taken_keep_their_order(segments: list[bytes]) -> None:
    framer = Framer()
    for segment in segments:
        framer.receive(segment)
    taken = []
    while (message := framer.next_message()) is not None:
        taken.append(message)
    assert taken == b"".join(segments).split(b"\x03")[:-1]


@given(st.lists(st.binary(max_size=6)), st.integers(0, 5))
def test_what_is_not_taken_yet_continues_in_another_framer(
    segments: list[bytes], taken: int
) -> None:
    framer, successor = Framer(), Framer()
    for segment in segments:
        framer.receive(segment)
    *expected, tail = b"".join(segments).split(b"\x03")
    for _ in range(taken):
        framer.next_message()
    successor.receive(framer.rest)
    found = list(iter(successor.next_message, None))
    assert (found, successor.tail) == (expected[taken:], tail)
