"""The replica number of a plain client in a container: the number that Compose gave the container.

``docker compose up --scale client=3`` starts ``lab-client-1`` to ``lab-client-3``. A container does
not know its own name, but the engine's DNS server does: the reverse look-up of the container's
address gives ``lab-client-3.lab_default``. The system's resolver cannot be used for this, since
/etc/hosts answers first, with the container's id.
"""

import contextlib
import ipaddress
import os
import re
import socket
from pathlib import Path
from struct import Struct, error

from client.task import Address

RESOLV_CONF = Path("/etc/resolv.conf")
ENGINE_DNS = ("127.0.0.11", 53)  # on every network that Compose makes
DEADLINE_S = 0.3
MAX_REPLY_BYTES = 512  # of DNS over UDP
MAX_LABELS = 128  # and pointers

COMPOSE_NAME = re.compile(  # of the container, and after the dot of its network
    r"(?P<project>[a-z0-9][a-z0-9_-]*)(?P<separator>[-_])[a-zA-Z0-9._-]+"
    r"(?P=separator)(?P<number>[1-9][0-9]{0,8})\.(?P=project)_[a-zA-Z0-9._-]+"
)
"""The number has at most nine digits, like the replica in the id of a message."""

_HEADER = Struct(">HHHHHH")  # id, flags, counts of questions, answers, others (RFC 1035, 4.1.1)
_QUESTION_END = Struct(">HH")  # type, class
_ANSWER = Struct(">HHLH")  # after its name: type, class, time to live, length of the data
_PTR, _INTERNET = 12, 1
_RECURSE, _IS_REPLY, _ERROR_BITS, _IS_POINTER = 0x0100, 0x8000, 0x000F, 0xC0


def container_name(family: int, target: Address) -> str | None:
    """Return this container's name and network, ``lab-client-3.lab_default``; None if unknown.

    The address that is looked up is the one from which ``target`` is reached. Outside a Compose
    network this returns at once, and on one after `DEADLINE_S` at the latest.
    """
    if not uses_engine_dns(RESOLV_CONF):
        return None
    with contextlib.suppress(OSError):
        return look_up_name(_own_address(family, target), ENGINE_DNS)
    return None


def replica_number(name: str | None) -> int:
    """Return the number in the name of a container of a Compose project, 0 for any other name.

    Compose writes ``project-service-3`` or, in old versions, ``project_service_3``; the network is
    ``project_default``. A host name like ``ip-10-0-0-3.internal`` is not of a project.
    """
    match = COMPOSE_NAME.fullmatch(name or "")
    return int(match["number"]) if match else 0


def uses_engine_dns(resolv_conf: Path) -> bool:
    """Tell whether the first name server is the one that an engine runs for Compose networks."""
    with contextlib.suppress(OSError, ValueError):
        for line in resolv_conf.read_text(encoding="utf-8").splitlines():
            keyword, *values = line.split() or [""]
            if keyword == "nameserver":
                return values == [ENGINE_DNS[0]]
    return False


def look_up_name(address: str, server: tuple[str, int]) -> str | None:
    """Return the name that the DNS ``server`` gives for an address; None if it knows none.

    Raises:
        OSError: the server cannot be reached or does not answer within `DEADLINE_S`.
    """
    question = encode_question(address, int.from_bytes(os.urandom(2), "big"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(DEADLINE_S)
        sock.connect(server)
        sock.send(question)
        return decode_name(sock.recv(MAX_REPLY_BYTES), question)


def encode_question(address: str, number: int) -> bytes:
    """Return the DNS message that asks for the name of ``address``."""
    labels = ipaddress.ip_address(address).reverse_pointer.split(".")
    name = b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels)
    header = _HEADER.pack(number, _RECURSE, 1, 0, 0, 0)
    return header + name + b"\x00" + _QUESTION_END.pack(_PTR, _INTERNET)


def decode_name(reply: bytes, question: bytes) -> str | None:
    """Return the name in a DNS reply to ``question``; None if it has none or is malformed."""
    try:
        number, flags, _, answers, _, _ = _HEADER.unpack_from(reply)
        is_ours = number == _HEADER.unpack_from(question)[0] and flags & _IS_REPLY
        if not is_ours or flags & _ERROR_BITS or not answers:
            return None
        _, answer_at = _read_name(reply, len(question))
        kind, _, _, _ = _ANSWER.unpack_from(reply, answer_at)
        return _read_name(reply, answer_at + _ANSWER.size)[0] if kind == _PTR else None
    except (error, IndexError, UnicodeDecodeError):
        return None


def _read_name(reply: bytes, at: int) -> tuple[str, int]:
    """Return the name at an offset, and the offset after it; a pointer ends a name (4.1.4)."""
    labels: list[str] = []
    end = 0
    for _ in range(MAX_LABELS):
        length = reply[at]
        if length >= _IS_POINTER:
            end = end or at + 2
            at = (length - _IS_POINTER) << 8 | reply[at + 1]
            continue
        at += 1 + length
        if not length:
            return ".".join(labels), end or at
        labels.append(reply[at - length : at].decode("ascii"))
    raise IndexError(at)


def _own_address(family: int, target: Address) -> str:
    """Return the local address from which ``target`` is reached; sends nothing."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect(target)
        return str(sock.getsockname()[0])
