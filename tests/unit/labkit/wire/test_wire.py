"""Messages as lines of JSON, and the channel that carries them."""

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.wire import MAX_LINE_BYTES, Channel, WireError, decode, encode, read_fields

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.text(min_size=1).filter(lambda name: name not in {"kind", "type"})


@pytest.fixture
def peers() -> Iterator[tuple[socket.socket, Channel]]:
    """Give a plain socket, and the channel of the program that it is connected to."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as peer,
        Channel(listener.accept()[0]) as channel,
    ):
        channel.settimeout(20.0)
        yield peer, channel


@given(st.text(), st.dictionaries(NAMES, VALUES, max_size=4))
def test_a_message_is_one_line_and_read_as_it_was_written(
    kind: str, fields: dict[str, Any]
) -> None:
    line = encode(kind, **fields)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode(line) == {"type": kind, **fields}


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"{}", b"[]", b"null", b'"type"', b'{"type": 1}', b'{"type": "a"', b"\xff\xfe\xff",
     b"[" * 100_000, b'{"type": "a", "n": ' + b"9" * 10_000 + b"}"],
)  # fmt: skip
def test_a_line_that_is_no_message_is_refused_in_a_short_text(line: bytes) -> None:
    with pytest.raises(WireError, match="not a message: ") as raised:
        decode(line)
    assert len(str(raised.value)) < 500


@given(st.binary() | st.builds(lambda value: json.dumps(value).encode(), VALUES))
def test_any_bytes_are_a_message_or_refused(line: bytes) -> None:
    try:
        message = decode(line)
    except WireError:
        return
    assert isinstance(message["type"], str)


def test_raw_bytes_follow_their_message(peers: tuple[socket.socket, Channel]) -> None:
    peer, channel = peers
    with Channel(peer.dup()) as sender:
        sender.send("result", b"\n\x00{", b"more", size=7)
        sender.send("over")
    assert channel.receive() == {"type": "result", "size": 7}
    assert channel.receive_bytes(7) == b"\n\x00{more"
    assert channel.receive() == {"type": "over"}


@pytest.mark.parametrize("sent", [b"", b'{"type": "cut off"}'])
def test_the_end_of_the_stream_is_an_error_and_not_a_message(
    peers: tuple[socket.socket, Channel], sent: bytes
) -> None:
    peer, channel = peers
    peer.sendall(sent)
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(WireError, match=r"^the peer closed the connection$"):
        channel.receive()


def test_a_line_without_an_end_is_not_read_for_ever(peers: tuple[socket.socket, Channel]) -> None:
    peer, channel = peers
    peer.sendall(b"x" * (MAX_LINE_BYTES + 1))
    with pytest.raises(WireError, match=f"a line of more than {MAX_LINE_BYTES} bytes"):
        channel.receive()


def test_missing_raw_bytes_are_counted(peers: tuple[socket.socket, Channel]) -> None:
    peer, channel = peers
    peer.sendall(b"abc")
    peer.shutdown(socket.SHUT_WR)
    with pytest.raises(WireError, match="after 3 of 5 bytes"):
        channel.receive_bytes(5)


def test_a_channel_closes_its_socket(peers: tuple[socket.socket, Channel]) -> None:
    peer, channel = peers
    assert channel.fileno() >= 0
    with channel:
        pass
    assert channel.fileno() == -1
    assert peer.recv(1) == b""


@dataclass
class Report:
    """A message's fields of every type."""

    number: int
    share: float
    name: str
    is_last: bool
    worker: int | None
    delay_s: float | None
    error: str | None
    rows: tuple[int, ...] = ()


GOOD: dict[str, Any] = {
    "number": 1, "share": 0.5, "name": "a", "is_last": True, "worker": None, "delay_s": None,
    "error": None, "rows": [1],
}  # fmt: skip


def test_fields_are_read_and_others_are_ignored() -> None:
    assert read_fields(Report, {**GOOD, "added_later": 1}) == Report(**GOOD)


@pytest.mark.parametrize(
    ("name", "value"),
    [("share", 1), ("delay_s", 2), ("delay_s", 0.5), ("worker", 3), ("error", "lost")],
)
def test_a_value_may_be_of_any_type_that_the_field_states(name: str, value: object) -> None:
    assert getattr(read_fields(Report, {**GOOD, name: value}), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("number", True),
        ("number", 1.0),
        ("number", None),
        ("number", "1"),
        ("share", "0.5"),
        ("share", False),
        ("name", 5),
        ("name", None),
        ("is_last", 1),
        ("worker", "3"),
        ("worker", True),
        ("delay_s", [1]),
        ("error", 0),
    ],
)
def test_a_value_of_another_type_is_named(name: str, value: object) -> None:
    with pytest.raises(WireError, match=f"^invalid Report: {name} is "):
        read_fields(Report, {**GOOD, name: value})


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_is_named(name: str) -> None:
    received = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(WireError, match=f"^invalid Report: {name} is missing$"):
        read_fields(Report, received)


@pytest.mark.parametrize("received", [None, [], "x" * 1000, 5])
def test_what_has_no_fields_is_refused(received: object) -> None:
    with pytest.raises(WireError, match=r"^invalid Report: .{1,80}$"):
        read_fields(Report, received)
