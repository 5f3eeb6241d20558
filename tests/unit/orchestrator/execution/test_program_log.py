import json

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.program_log import (
    LAST_LINES,
    LoggedServer,
    count_starts,
    crowd_established_ns,
    crowd_pid,
    events,
    last_lines,
    listening_event,
    wait_for,
)

STARTED = [
    {"event": "worker_started", "index": 1, "worker_pid": 11},
    {"event": "worker_started", "index": 2, "worker_pid": 12},
    {"event": "worker_exited", "index": 1, "worker_pid": 11},
    {"event": "worker_started", "index": 1, "worker_pid": 13},
]


def log_of(*lines: object) -> str:
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)


def test_waiting_ends_with_the_first_true_result() -> None:
    answers = iter([None, 0, "", "ready", "too late"])
    assert wait_for(lambda: next(answers), deadline_s=20.0, poll_s=0.0) == "ready"
    assert next(answers) == "too late"


def test_waiting_in_vain_returns_the_last_result() -> None:
    assert wait_for(lambda: 0, deadline_s=0.0, poll_s=0.0) == 0
    assert wait_for(lambda: None, deadline_s=0.0, poll_s=0.0) is None


def test_an_error_of_the_condition_ends_the_waiting() -> None:
    def fail() -> bool:
        raise BackendError("it has ended")

    with pytest.raises(BackendError, match="it has ended"):
        wait_for(fail, deadline_s=20.0)


def test_lines_that_are_no_events_are_skipped() -> None:
    """A program may print anything, and its last line may be incomplete."""
    log = log_of("Traceback", [1], "null", {"event": "listening", "port": 1}, {"port": 2})
    assert [each["port"] for each in events(log + '{"event": "list', "listening")] == [1]


@pytest.mark.parametrize(
    "line", ["[" * 100_000, '{"event": "listening", "port": NaN}', '{"port": ' + "9" * 5000 + "}"],
    ids=lambda line: line[:20],
)  # fmt: skip
def test_a_line_that_is_no_json_is_skipped(line: str) -> None:
    assert list(events(log_of(line, {"event": "listening"}), "listening")) == [
        {"event": "listening"}
    ]
    assert crowd_pid(line + "\n") is None


@pytest.mark.parametrize("value", ["one", None, True, -1, 1.5, 10**30, [], {}])
def test_a_worker_whose_number_or_process_is_none_is_not_known(value: object) -> None:
    class Server(LoggedServer):
        log = log_of(
            {"event": "worker_started", "index": value, "worker_pid": 11},
            {"event": "worker_started", "index": 3, "worker_pid": value},
            {"event": "worker_started"},
            *STARTED[:1],
        )

        def check_running(self) -> None:
            raise AssertionError

        def kill_process(self, pid: int) -> int:
            raise AssertionError(pid)

    assert Server().workers() == [1]


def test_each_start_has_its_listening_event() -> None:
    log = log_of({"event": "listening", "port": 1}, *STARTED, {"event": "listening", "port": 2})
    assert count_starts(log) == 2
    found = [listening_event(log, start) for start in (0, 1, 2)]
    assert [each and each["port"] for each in found] == [1, 2, None]


def test_the_last_lines_are_indented_and_few() -> None:
    log = log_of(*(f"line {number}" for number in range(LAST_LINES + 3)))
    shown = last_lines(log).splitlines()
    assert len(shown) == LAST_LINES
    assert (shown[0], shown[-1]) == ("    line 3", f"    line {LAST_LINES + 2}")


@pytest.mark.parametrize("log", ["", "\n \n"])
def test_of_an_empty_log_a_message_shows_something(log: str) -> None:
    assert last_lines(log).strip()


@pytest.mark.parametrize(
    ("output", "pid"),
    [
        ("", None),
        ('{"pid": 12', None),
        ('{"pid": 12}', None),  # the line is not complete, so the number may not be either
        ('{"pid": 12}\n', 12),
        ('{"pid": 12}\nmore\n', 12),
        ("connection refused\n", None),
        ('{"error": "refused"}\n', None),
        ("[]\n", None),
    ],
)
def test_the_process_of_a_crowd_is_known_once_the_first_line_is_complete(
    output: str, pid: int | None
) -> None:
    assert crowd_pid(output) == pid


def test_a_crowd_is_there_once_the_second_line_is_complete() -> None:
    output = log_of({"pid": 12}, {"established": 3, "refused": 0, "t_ns": 45})
    assert crowd_established_ns(output) == 45
    assert crowd_established_ns(output[:-1]) is None
    assert crowd_established_ns("") is None


def test_a_crowd_that_is_refused_is_not_there() -> None:
    """A server that has ended refuses; connections that wait for a full backlog are not refused."""
    output = log_of({"pid": 12}, {"established": 1, "refused": 2, "t_ns": 45})
    with pytest.raises(BackendError, match=r"^2 of 3 connections refused$"):
        crowd_established_ns(output)


class Written(LoggedServer):
    """A server with a log, whose processes have the numbers ``processes``."""

    def __init__(self, log: str, processes: set[int]) -> None:
        self._log = log
        self._processes = processes
        self.killed: list[int] = []

    @property
    def log(self) -> str:
        return self._log

    def check_running(self) -> None:
        if not self._processes and "stopped" in self._log:
            raise BackendError("the server has ended, exit code 0")

    def kill_process(self, pid: int) -> int | None:
        self.killed.append(pid)
        return 5 if pid in self._processes else None


def test_a_worker_that_was_replaced_is_killed_by_its_latest_process() -> None:
    server = Written(log_of(*STARTED), {12, 13})
    assert server.workers() == [1, 2]
    assert server.kill_worker(1) == 5
    assert server.killed == [13]


def test_a_worker_whose_process_has_ended_is_none_until_another_takes_its_place() -> None:
    """As the process of a connection that was closed."""
    ended = [*STARTED, {"event": "worker_exited", "index": 2, "worker_pid": 12}]
    server = Written(log_of(*ended), {13})
    assert server.workers() == [1]
    with pytest.raises(BackendError, match=r"no worker 2; .*: 1$"):
        server.kill_worker(2)


@pytest.mark.parametrize(("log", "known"), [(log_of(*STARTED), "1, 2"), ("", "none")])
def test_a_worker_that_does_not_exist_is_refused_with_those_that_do(log: str, known: str) -> None:
    server = Written(log, {12, 13})
    with pytest.raises(BackendError, match=f"no worker 7; .*: {known}$"):
        server.kill_worker(7)
    assert server.killed == []


def test_a_thread_cannot_be_killed_alone() -> None:
    with pytest.raises(BackendError, match="worker 2 is not a process"):
        Written(log_of(*STARTED), set()).kill_worker(2)


def test_no_worker_is_killed_of_a_server_that_has_ended() -> None:
    server = Written(log_of(*STARTED, {"event": "stopped"}), set())
    with pytest.raises(BackendError, match="the server has ended"):
        server.kill_worker(1)
    assert server.killed == []
