"""A fault is in effect when the cable is dead, not when the engine has finished."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.execution.docker import cable
from orchestrator.execution.docker.cable import find_cable, unplug

DEADLINE_S = 20.0


@pytest.fixture
def plugged(tmp_path: Path) -> Path:
    """Return a cable with a carrier, among other interfaces."""
    for name, index in (("lo", 7), ("veth1", 6), ("veth2", 7)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ifindex").write_text(f"{index}\n")
        (tmp_path / name / "carrier").write_text("1\n")
    return tmp_path / "veth2"


def test_the_cable_dies_while_the_engine_is_still_at_work(plugged: Path) -> None:
    seen = threading.Event()

    def disconnect() -> None:
        (plugged / "carrier").write_text("0\n")
        assert seen.wait(DEADLINE_S)

    is_plugged = cable.is_plugged

    def look(at: Path) -> bool:
        found = is_plugged(at)
        if not found:
            seen.set()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cable, "is_plugged", look)
        unplug(plugged, disconnect)
    assert seen.is_set()


@pytest.mark.parametrize("carrier", [None, "0\n"])
def test_a_cable_that_is_unknown_or_dead_before_says_nothing(
    plugged: Path, carrier: str | None
) -> None:
    """The host's end of a container that was connected again has another name."""
    called = []
    if carrier is not None:
        (plugged / "carrier").write_text(carrier)
    assert unplug(plugged if carrier else None, lambda: called.append(1)) > 0
    assert called == [1]


def test_a_failure_of_the_engine_is_passed_on(plugged: Path) -> None:
    def fail() -> None:
        raise ConnectionError("the engine has gone")

    with pytest.raises(ConnectionError):
        unplug(plugged, fail)


@pytest.mark.parametrize(
    ("exit_code", "output", "name"), [(0, b"7\n", "veth2"), (0, b"8\n", None), (127, b"7\n", None)]
)
def test_the_cable_is_found_by_the_number_of_its_other_end(
    plugged: Path, monkeypatch: pytest.MonkeyPatch, exit_code: int, output: bytes, name: str | None
) -> None:
    monkeypatch.setattr(cable, "INTERFACES", plugged.parent)
    container = SimpleNamespace(exec_run=lambda _: (exit_code, output))
    found = find_cable(container)  # type: ignore[arg-type]
    assert (found and found.name) == name
