"""The address of a target."""

import socket

import pytest

from client.task import UnresolvedError, resolve

IPV4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 3000))
IPV6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 3000, 0, 0))


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [
        ("127.0.0.1", socket.AF_INET, ("127.0.0.1", 3000)),
        ("::1", socket.AF_INET6, ("::1", 3000, 0, 0)),
    ],
)
def test_an_address_stays_what_it_is(
    host: str, family: int, address: tuple[str | int, ...]
) -> None:
    assert resolve(host, 3000) == (family, address)


@pytest.mark.parametrize("found", [[IPV6, IPV4], [IPV4, IPV6], [IPV4]])
def test_ipv4_comes_first(monkeypatch: pytest.MonkeyPatch, found: list[object]) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(found))
    assert resolve("localhost", 3000) == (socket.AF_INET, ("127.0.0.1", 3000))


def test_ipv6_is_used_if_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [IPV6])
    assert resolve("localhost", 3000) == (socket.AF_INET6, ("::1", 3000, 0, 0))


def test_a_name_without_an_address_is_an_error_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UnresolvedError, match=r"^lab has no address: Temporary failure"):
        resolve("lab", 1)


@pytest.mark.parametrize("host", ["\u00e9" * 64, "\u00e9..example", "\udc80"], ids=ascii)
def test_a_text_that_is_no_host_name_is_an_error_too(host: str) -> None:
    with pytest.raises(UnresolvedError, match="is no host name"):
        resolve(host, 1)


@pytest.mark.parametrize("kind", [IPV4, IPV6])
def test_the_name_of_several_servers_is_refused_with_their_addresses(
    kind: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``docker compose up prefork epoll`` starts two under the alias ``server``."""
    found = [(*kind[:4], (address, 3000)) for address in ("10.0.0.3", "10.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [*found, found[0]])
    with pytest.raises(UnresolvedError, match=r"server is .* 2 servers \(10.0.0.2, 10.0.0.3\)"):
        resolve("server", 3000)
