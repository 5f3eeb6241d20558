"""The log of a container, while it grows; tests/e2e/test_explore.py follows a real one."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.program_log import wait_for
from orchestrator.explore.run import container_log
from orchestrator.explore.run.container_log import ContainerLogs

DEADLINE_S = 10.0
ID = "1a2b3c4d"


class FakeContainer:
    """A container that writes two parts, the second when it is let go."""

    def __init__(self, name: str, status: str = "running") -> None:
        self.id = name
        self.status = status
        self.goes_on = threading.Event()

    def logs(self, **_: bool) -> Iterator[bytes]:
        yield b"one\n"
        self.goes_on.wait(DEADLINE_S)
        yield b"two\n"


class FakeEngine:
    """An engine with containers of projects."""

    def __init__(self, **containers: FakeContainer) -> None:
        self.by_project = {name.replace("_", "-"): each for name, each in containers.items()}

    def projects(self) -> dict[str, list[Any]]:
        return {name: [] for name in self.by_project}

    def containers(self, project: str, _model: str) -> list[FakeContainer]:
        return [self.by_project[project]]


def with_engine(patch: pytest.MonkeyPatch, engine: FakeEngine | None) -> None:
    patch.setattr(container_log, "find_engine", lambda: (engine, "no engine answers"))


def test_a_log_is_read_while_it_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    container = FakeContainer("first")
    with_engine(monkeypatch, FakeEngine(**{f"lab_{ID}_1": container, "lab_other_9": container}))
    logs = ContainerLogs(ID)
    log = logs.of("prefork", "prefork")
    assert log is not None
    assert log.is_file()
    assert wait_for(lambda: log.read_bytes() == b"one\n", DEADLINE_S)
    container.goes_on.set()
    assert wait_for(lambda: log.read_bytes() == b"one\ntwo\n", DEADLINE_S)
    assert logs.of("prefork", "prefork") == log
    logs.close()
    assert logs.of("prefork", "prefork") is None


def test_the_next_run_has_the_next_container(monkeypatch: pytest.MonkeyPatch) -> None:
    first, tenth = FakeContainer("first"), FakeContainer("tenth", "created")
    engine = FakeEngine(**{f"lab_{ID}_9": first})
    with_engine(monkeypatch, engine)
    logs = ContainerLogs(ID)
    assert logs.of("one", "prefork") is not None
    assert logs.of("two", "prefork") is None
    engine.by_project[f"lab-{ID}-10"] = tenth
    assert logs.of("two", "prefork") is None
    tenth.status = "running"
    assert logs.of("two", "prefork") not in (None, logs.of("one", "prefork"))
    first.goes_on.set()
    tenth.goes_on.set()
    logs.close()


def test_only_what_is_drawn_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    container = FakeContainer("first")
    container.goes_on.set()
    monkeypatch.setattr(container_log, "MOST_BYTES", 3)
    with_engine(monkeypatch, FakeEngine(**{f"lab_{ID}_1": container}))
    logs = ContainerLogs(ID)
    log = logs.of("prefork", "prefork")
    assert log is not None
    assert wait_for(lambda: log.read_bytes() == b"one\n", DEADLINE_S)
    logs.close()


def test_without_an_engine_there_is_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    with_engine(monkeypatch, None)
    assert ContainerLogs(ID).of("prefork", "prefork") is None
    with_engine(monkeypatch, FakeEngine())
    assert ContainerLogs(ID).of("prefork", "prefork") is None

    def fail() -> None:
        raise BackendError("it does not answer")

    monkeypatch.setattr(container_log, "find_engine", fail)
    assert ContainerLogs(ID).of("prefork", "prefork") is None
