"""Each problem with the environment is one line at start, and the exit code says so."""

import pytest

from conformance.server_process import Starter
from labkit.server.settings import Choice, Own, variable

WRONG = {
    "LAB_PORT": "65536",
    "LAB_BACKLOG": "0",
    "LAB_WORKERS": "many",
    "LAB_WORK": "think",
    "LAB_SERVICE_TIME": "2",
    "LAB_MAX_MESSAGE_BYTES": "4k",
    "LAB_MAX_SERVICE_TIME": "-1s",
    "LAB_IDLE_TIMEOUT": "0s",
    "LAB_DRAIN_TIMEOUT": "never",
    "LAB_BLOCKING_SLEEP": "yes",
    "LAB_LOG_FORMAT": "xml",
    "LAB_LOG_LEVEL": "debug",
}


def test_every_problem_is_one_line_that_names_its_variable(start: Starter) -> None:
    server = start.launch(stdout=None, **WRONG)
    assert server.wait() == 2
    lines = server.stderr.splitlines()
    assert len(lines) == len(WRONG)
    for name, text in WRONG.items():
        assert any(name + ":" in line and text in line for line in lines), name


def test_a_misspelt_variable_is_not_ignored(start: Starter) -> None:
    server = start.launch(LAB_WORKER="8")
    assert server.wait() == 2
    assert "LAB_WORKER: no such variable; did you mean LAB_WORKERS?" in server.stderr


def test_a_taken_port_is_one_line(start: Starter) -> None:
    first = start()
    second = start.launch(LAB_PORT=str(first.port))
    assert second.wait() == 1
    assert len(second.stderr.splitlines()) == 1
    assert f"127.0.0.1:{first.port}: Address already in use" in second.stderr
    assert "LAB_PORT" in second.stderr


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "x" * 64])
def test_an_address_that_is_not_local_is_one_line(start: Starter, host: str) -> None:
    server = start.launch(LAB_HOST=host)
    assert server.wait() == 1
    assert len(server.stderr.splitlines()) == 1
    assert f"cannot listen on {host}:0" in server.stderr


def test_a_ready_file_that_cannot_be_is_one_line(start: Starter) -> None:
    server = start.launch(LAB_READY_FILE="/nowhere/ready")
    assert server.wait() == 1
    assert len(server.stderr.splitlines()) == 1
    assert "LAB_READY_FILE" in server.stderr


def test_variables_of_others_are_left_alone(start: Starter) -> None:
    start(LAB_TARGET="x", LAB_CONNECTIONS="x", LAB_EPOLL_PORT="x", LAB_CONDUCTOR_PORT="x").serves()


def test_a_model_s_own_setting_has_the_values_that_it_declares(
    start: Starter, own: tuple[Own, ...]
) -> None:
    for setting in own:
        known = setting.choices if isinstance(setting, Choice) else (setting.low, setting.high)
        for value in known:
            start(**{variable(setting.name): str(value)}).serves()
        wrong = start.launch(stdout=None, **{variable(setting.name): "none-of-them"})
        assert wrong.wait() == 2
        assert len(wrong.stderr.splitlines()) == 1
        assert f"{variable(setting.name)}: " in wrong.stderr
        assert all(str(value) in wrong.stderr for value in known)
