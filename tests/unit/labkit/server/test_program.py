"""A server as a program, run in the test's process: what it prints, and its exit code."""

import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator

import pytest

from labkit.server.program import main
from labkit.server.service import Service
from tests.unit.labkit.server.program_fixtures import events_in, kept_signals

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the server listen on any free port of the loopback interface."""
    for name in [name for name in os.environ if name.startswith("LAB_")]:
        monkeypatch.delenv(name)
    for name, text in {"HOST": "127.0.0.1", "PORT": "0", "LOG_FORMAT": "json"}.items():
        monkeypatch.setenv(f"LAB_{name}", text)
    with kept_signals():
        yield


def exit_code_of(serve: Callable[[Service], None]) -> int | str | None:
    with pytest.raises(SystemExit) as exited:
        main("m", serve)
    return exited.value.code


def must_not_serve(_service: Service) -> None:
    pytest.fail("it serves")


def test_a_server_that_has_drained_returns_and_its_last_line_says_so(capfd: Capture) -> None:
    main("m", lambda service: service.listener.close())
    out, err = capfd.readouterr()
    (stopped,) = events_in(out)
    assert (stopped["event"], stopped["reason"], stopped["model"]) == ("stopped", "drained", "m")
    assert err == ""


def test_a_signal_after_the_last_line_changes_nothing() -> None:
    main("m", lambda service: service.listener.close())
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)


def test_while_it_serves_a_signal_drains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)  # it is the test's own time-out
    draining = []

    def serve(service: Service) -> None:
        service.listening(workers=1)
        draining.append(service.draining)
        signal.raise_signal(signal.SIGTERM)
        draining.append(service.draining)

    main("m", serve)
    assert draining == [False, True]


def test_a_signal_during_the_start_drains_as_soon_as_it_would_listen(
    monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    """Until then the model finds the listener open: asyncio's, for example, copies it."""
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)  # it is the test's own time-out

    def serve(service: Service) -> None:
        signal.raise_signal(signal.SIGTERM)
        service.listener.dup().close()
        service.listening(workers=1)
        assert service.draining

    main("m", serve)
    assert [event["event"] for event in events_in(capfd.readouterr().out)] == [
        "drain_begun", "stopped",
    ]  # fmt: skip


def test_each_invalid_setting_is_one_line_and_exit_code_2(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_WORKERS", "none")
    monkeypatch.setenv("LAB_BACKLOG", "0")
    assert exit_code_of(must_not_serve) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.partition(": ")[2].partition(":")[0] for line in err.splitlines()] == [
        "LAB_BACKLOG",
        "LAB_WORKERS",
    ]
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # a Ctrl-C has no traceback


def test_an_address_in_use_is_one_line_and_exit_code_1(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("LAB_PORT", str(other.getsockname()[1]))
        assert exit_code_of(must_not_serve) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("m: cannot listen on 127.0.0.1:")
    assert err.count("\n") == 1


def test_without_a_descriptor_it_ends_in_one_line(capfd: Capture) -> None:
    def serve(service: Service) -> None:
        service.listener.close()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    assert exit_code_of(serve) == 1
    _, err = capfd.readouterr()
    assert err.startswith("m: cannot serve: Too many open files (limit of descriptors: ulimit -n ")
    assert err.count("\n") == 1


def test_another_error_of_the_system_is_a_defect() -> None:
    def serve(service: Service) -> None:
        service.listener.close()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(OSError, match="Input/output error"):
        main("m", serve)


def test_a_failure_is_logged_printed_and_exit_code_1(capfd: Capture) -> None:
    def serve(service: Service) -> None:
        service.listener.close()
        service.fail("worker 1 did not drain")

    assert exit_code_of(serve) == 1
    out, err = capfd.readouterr()
    assert [event["reason"] for event in events_in(out)] == ["worker 1 did not drain"]
    assert err == "m: worker 1 did not drain\n"


def test_no_client_becomes_a_standard_stream_that_the_caller_closed() -> None:
    numbers = []

    def serve(service: Service) -> None:
        numbers.append(service.listener.fileno())
        service.listener.close()

    saved = os.dup(0)
    os.close(0)
    try:
        main("m", serve)
        assert numbers[0] > 2
        assert os.read(0, 1) == b""  # the null device
    finally:
        os.dup2(saved, 0)
        os.close(saved)
