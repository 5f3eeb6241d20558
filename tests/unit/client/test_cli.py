"""The client's command line: the role that it takes, and the exit code."""

import resource
import signal
import socket
from collections.abc import Iterator, Mapping

import pytest

from client import cli, replica
from client.cli import HINTS, main
from client.options import Options
from client.replica import ConductorLostError
from client.system import SIGNALS
from labkit.wire.samples import FAILURES
from tests.unit.client.server_fixtures import serve_well, served_by

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int]]]:
    """Collect the limits that the client sets; restore the handlers of the signals."""
    found: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limit: found.append(limit))
    before = {each: signal.getsignal(each) for each in SIGNALS}
    yield found
    for each, handler in before.items():
        signal.signal(each, handler)


def test_every_failure_has_a_hint() -> None:
    assert set(HINTS) == set(FAILURES)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_hint_is_a_sentence_without_an_open_field(failure: str) -> None:
    text = HINTS[failure].format(target="lab:3000", timeout_s=2.5)
    assert "{" not in text
    assert len(text) > len("lab:3000")


def test_a_load_that_succeeds_ends_with_a_summary_and_exit_code_0(
    capsys: Capture, limits: list[tuple[int, int]]
) -> None:
    with served_by(serve_well, users=2) as (host, port):
        code = main(["2", "--messages", "3", "--target", f"{host}:{port}", "--quiet"])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    assert out.startswith("6 sent, 6 acked, 0 failed\nresponse time: ")
    assert limits == [(resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2]


def test_a_target_that_refuses_is_exit_code_1_with_a_hint(
    capsys: Capture, refusing_address: tuple[str, int]
) -> None:
    target = "{}:{}".format(*refusing_address)
    assert main(["--target", target, "--quiet"]) == 1
    assert capsys.readouterr().err.startswith(f"client: no server listens at {target}; start one")


def test_a_bad_option_is_exit_code_2_and_connects_nowhere(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(cli, "resolve")
    assert main(["--messages", "many"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("client: --messages: 'many' is not a whole number")
    assert err.count("\n") == 1


def test_a_target_without_an_address_is_exit_code_1(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert main(["--target", "missing:1"]) == 1
    assert capsys.readouterr().err == "client: missing has no address: Name or service not known\n"


def test_the_conductor_is_a_role_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    environs: list[Mapping[str, str]] = []

    def conduct(environ: Mapping[str, str]) -> int:
        environs.append(environ)
        return 7

    monkeypatch.setenv("LAB_PORT", "1")
    monkeypatch.setattr(cli, "run_conductor", conduct)
    assert main(["conductor"]) == 7
    assert environs[0]["LAB_PORT"] == "1"


def test_a_replica_plays_for_its_conductor(monkeypatch: pytest.MonkeyPatch) -> None:
    plays: list[tuple[object, ...]] = []
    monkeypatch.setattr(replica, "play", lambda *given: plays.append(given))
    monkeypatch.setenv("LAB_RUN_SECRET", "5ec7e7")
    monkeypatch.setenv("LAB_CONDUCTOR", "lab:4000")
    monkeypatch.setenv("LAB_PLACED_ON", "far")
    assert main([]) == 0
    assert plays == [(("lab", 4000), "5ec7e7", 0.0, "far")]


def test_a_replica_without_its_conductor_is_exit_code_3(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(*_: object) -> None:
        raise ConductorLostError("the conductor has left")

    monkeypatch.setattr(replica, "play", lose)
    monkeypatch.setenv("LAB_CONDUCTOR", "lab:4000")
    assert main([]) == 3
    assert capsys.readouterr().err == "client: the conductor has left\n"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupt_before_the_load_is_exit_code_130(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, signum: signal.Signals
) -> None:
    def interrupt(_options: Options) -> int:
        signal.raise_signal(signum)
        pytest.fail("the signal was ignored")

    monkeypatch.setattr(cli, "_run_plain", interrupt)
    assert main([]) == 130
    assert capsys.readouterr() == ("", "")
