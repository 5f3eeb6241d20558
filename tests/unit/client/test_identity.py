"""The replica number of a container: names as engines give them, and everything that is not one."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import identity
from client.identity import (
    container_name,
    decode_name,
    encode_question,
    look_up_name,
    replica_number,
    uses_engine_dns,
)
from labkit.wire.samples import read_request_id, request_id

ADDRESS = "192.168.176.3"
NAME = "lab-client-3.lab_default"
COMPOSE_CONF = "# by the engine\nnameserver 127.0.0.11\noptions ndots:0\n"


def labels(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\x00"


def reply_to(
    question: bytes, name: str = NAME, flags: int = 0x8180, pointer: bool = False
) -> bytes:
    """Return a reply as the engine writes it, or with a pointer to the question's name."""
    header = question[:2] + flags.to_bytes(2, "big") + b"\x00\x01\x00\x01\x00\x00\x00\x00"
    asked = b"\xc0\x0c" if pointer else question[12:-4]
    data = labels(name)
    answer = asked + b"\x00\x0c\x00\x01\x00\x00\x02\x58" + len(data).to_bytes(2, "big") + data
    return header + question[12:] + answer


@contextmanager
def dns_server(answer: Callable[[bytes], bytes | None]) -> Iterator[tuple[str, int]]:
    """Answer one question, unless ``answer`` returns None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10.0)

        def serve() -> None:
            question, peer = sock.recvfrom(512)
            if (reply := answer(question)) is not None:
                sock.sendto(reply, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield sock.getsockname()
        thread.join()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("lab-client-3.lab_default", 3),
        ("server-models-lab-client-10.server-models-lab_default", 10),
        ("lab_client_7.lab_default", 7),  # as Compose 1 wrote it
        ("my_lab-client-2.my_lab_default", 2),
        ("my_lab_client_2.my_lab_default", 2),
        ("lab-load-client-4.lab_back", 4),
        ("lab-client-999999999.lab_default", 999_999_999),
        ("lab-client-1000000000.lab_default", 0),  # more than a message id holds
        ("lab-client-0.lab_default", 0),
        ("lab-client-03.lab_default", 0),
        ("lab-client_3.lab_default", 0),
        ("lab-client-3", 0),
        ("lab-client-3.other_default", 0),
        ("lab-client.lab_default", 0),
        ("lab-3.lab_default", 0),
        ("ip-10-0-0-3.eu-west-1.compute.internal", 0),
        ("host-7.example.org", 0),
        ("3f2a9b1c0d4e", 0),
        ("localhost", 0),
        ("", 0),
        (None, 0),
    ],
)
def test_a_number_is_read_from_the_name_of_a_compose_container_alone(
    name: str | None, number: int
) -> None:
    assert replica_number(name) == number


def test_the_largest_number_fits_into_the_id_of_a_message() -> None:
    number = replica_number("lab-client-999999999.lab_default")
    assert read_request_id(request_id(number, 0, 0)) == (number, 0, 0)


@pytest.mark.parametrize(
    ("text", "is_compose"),
    [
        (COMPOSE_CONF, True),
        ("nameserver\t127.0.0.11\nnameserver 10.0.0.1\n", True),
        ("nameserver 10.0.0.1\nnameserver 127.0.0.11\n", False),
        ("search lab\n\noptions ndots:0\n", False),
        ("nameserver\n", False),
        ("", False),
        (None, False),
    ],
)
def test_a_compose_network_is_known_by_its_name_server(
    tmp_path: Path, text: str | None, is_compose: bool
) -> None:
    path = tmp_path / "resolv.conf"
    if text is not None:
        path.write_text(text)
    assert uses_engine_dns(path) is is_compose


@pytest.mark.parametrize("pointer", [False, True])
def test_a_name_is_looked_up_by_address(pointer: bool) -> None:
    asked: list[bytes] = []

    def answer(question: bytes) -> bytes:
        asked.append(question)
        return reply_to(question, pointer=pointer)

    with dns_server(answer) as server:
        assert look_up_name(ADDRESS, server) == NAME
    assert labels("3.176.168.192.in-addr.arpa") in asked[0]


def test_an_address_of_ipv6_can_be_asked_for() -> None:
    assert labels("ip6.arpa") in encode_question("fd00::3", 1)


@pytest.mark.parametrize("flags", [0x8183, 0x8182, 0x0100])
def test_a_reply_with_an_error_has_no_name(flags: int) -> None:
    question = encode_question(ADDRESS, 7)
    assert decode_name(reply_to(question, flags=flags), question) is None


def test_a_reply_to_another_question_has_no_name() -> None:
    question = encode_question(ADDRESS, 7)
    assert decode_name(reply_to(encode_question(ADDRESS, 8)), question) is None


@given(st.binary(max_size=80))
def test_a_malformed_reply_has_no_name(rubbish: bytes) -> None:
    question = encode_question(ADDRESS, 7)
    whole = reply_to(question)
    assert decode_name(rubbish, question) is None
    for size in range(len(whole)):
        assert decode_name(whole[:size], question) is None
    decode_name(question[:2] + b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" + rubbish, question)


def test_a_pointer_to_itself_ends() -> None:
    question = encode_question(ADDRESS, 7)
    at = len(question)
    looping = reply_to(question)[:at] + b"\xc0" + bytes([at]) + b"\x00" * 20
    assert decode_name(looping, question) is None


def test_a_server_that_does_not_answer_costs_no_noticeable_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text(COMPOSE_CONF)
    monkeypatch.setattr(identity, "RESOLV_CONF", conf)
    with dns_server(lambda _: None) as server:
        monkeypatch.setattr(identity, "look_up_name", lambda own, _: look_up_name(own, server))
        begun_s = time.monotonic()
        assert container_name(socket.AF_INET, ("127.0.0.1", 1)) is None
        assert time.monotonic() - begun_s < 2.0


def test_outside_a_compose_network_no_name_is_looked_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(identity, "RESOLV_CONF", tmp_path / "missing")
    monkeypatch.delattr(identity, "look_up_name")
    assert container_name(socket.AF_INET, ("127.0.0.1", 1)) is None


def test_on_a_compose_network_the_address_towards_the_target_is_looked_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text(COMPOSE_CONF)
    monkeypatch.setattr(identity, "RESOLV_CONF", conf)
    monkeypatch.setattr(identity, "look_up_name", lambda own, _: f"name of {own}")
    assert container_name(socket.AF_INET, ("127.0.0.1", 1)) == "name of 127.0.0.1"
