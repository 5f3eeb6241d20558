import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import clock
from labkit.clock import MOST_NS, Clock, ClockError, own_clock, own_clock_fields, read_offset_ns
from tests.clock_fixtures import AHEAD, AHEAD_S, need_time_namespace

SHOW = """\
import json, time
from dataclasses import asdict
from labkit.clock import own_clock
found = own_clock()
print(json.dumps([found and asdict(found), time.monotonic_ns()]))
"""


def shown(*before: str) -> tuple[Clock | None, int]:
    """Return the clock that a new Python reports, and an instant of it."""
    command = [*before, sys.executable, "-c", SHOW]
    out = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    fields, instant_ns = json.loads(out)
    return Clock.read(fields), instant_ns


@pytest.mark.slow
def test_programs_of_one_host_have_the_same_clock() -> None:
    assert shown()[0] == own_clock()


def test_the_own_clock_is_sent_as_it_is_read() -> None:
    assert Clock.read(own_clock_fields()) == own_clock()


@pytest.mark.slow
def test_a_program_in_a_time_namespace_reports_by_how_much_it_is_ahead() -> None:
    need_time_namespace()
    here, before_ns = own_clock(), time.monotonic_ns()
    there, instant_ns = shown(*AHEAD)
    after_ns = time.monotonic_ns()
    assert here is not None
    assert there is not None
    assert there.boot_id == here.boot_id
    ahead_ns = there.offset_ns - here.offset_ns
    assert ahead_ns == AHEAD_S * 1_000_000_000
    assert before_ns <= instant_ns - ahead_ns <= after_ns


@given(st.integers(-(10**9), 10**9), st.integers(0, 999_999_999), st.sampled_from("\t  "))
def test_an_offset_is_read_exactly(seconds: int, nanoseconds: int, space: str) -> None:
    for name in ("monotonic", "1"):
        text = f"{name}{space}{seconds:>10}{space}{nanoseconds:>9}\nboottime {seconds + 1} 0\n"
        assert read_offset_ns(text) == seconds * 10**9 + nanoseconds


@given(st.text(alphabet="monticboe 0123456789-\n", max_size=60))
def test_any_other_text_is_refused_with_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(read_offset_ns(text), int)


@given(st.text(min_size=1, max_size=64), st.integers(-MOST_NS, MOST_NS))
def test_a_clock_survives_its_way_over_the_wire(boot_id: str, offset_ns: int) -> None:
    sent = Clock(boot_id, offset_ns)
    assert Clock.read(json.loads(json.dumps(asdict(sent)))) == sent
    assert Clock.read(None) is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ([], "not a clock"),
        ("x", "not a clock"),
        ({}, "boot_id"),
        ({"boot_id": "", "offset_ns": 0}, "boot_id"),
        ({"boot_id": "x" * 65, "offset_ns": 0}, "boot_id"),
        ({"boot_id": "x"}, "offset_ns"),
        ({"boot_id": "x", "offset_ns": True}, "offset_ns"),
        ({"boot_id": "x", "offset_ns": 1.0}, "offset_ns"),
        ({"boot_id": "x", "offset_ns": 2**62 + 1}, "offset_ns"),
    ],
)
def test_what_is_no_clock_is_refused_by_its_field(fields: object, named: str) -> None:
    with pytest.raises(ClockError, match=named):
        Clock.read(fields)


def test_a_kernel_without_time_namespaces_has_no_offset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "boot_id").write_text("b00t\n")
    monkeypatch.setattr(clock, "BOOT_ID", tmp_path / "boot_id")
    monkeypatch.setattr(clock, "OFFSETS", tmp_path / "timens_offsets")
    assert own_clock() == Clock("b00t", 0)


def test_the_offset_of_the_children_is_not_taken_for_the_own_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "boot_id").write_text("b00t\n")
    (tmp_path / "timens_offsets").write_text("monotonic 7 5\nboottime 0 0\n")
    (tmp_path / "time").symlink_to("time:[1]")
    (tmp_path / "time_for_children").symlink_to("time:[2]")
    for name, file in (
        ("BOOT_ID", "boot_id"),
        ("OFFSETS", "timens_offsets"),
        ("NAMESPACE", "time"),
        ("NAMESPACE_OF_CHILDREN", "time_for_children"),
    ):
        monkeypatch.setattr(clock, name, tmp_path / file)
    assert own_clock() is None
    (tmp_path / "time_for_children").unlink()
    (tmp_path / "time_for_children").symlink_to("time:[1]")
    assert own_clock() == Clock("b00t", 7_000_000_005)


def test_a_sandbox_that_hides_the_boot_id_has_an_unknown_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "BOOT_ID", tmp_path / "boot_id")
    assert own_clock() is None
