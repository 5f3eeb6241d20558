"""A probe's file is read as far as it goes, and notes say what is missing."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.results.archive import KERNEL
from orchestrator.results.kernel_log import (
    AFTER_LAST_LOOK,
    SHARED_NETWORK,
    KernelLog,
    last_depth,
    read_kernel_log,
)

BEGUN = {"t_ns": 1, "event": "begun", "network": "own"}
LOOKED = {"t_ns": 2, "event": "looked", "accept_queue": 3, "accept_queue_limit": 5, "threads": 4}
GLANCED = {"t_ns": 3, "event": "glanced", "accept_queue": 7}
ENDED = {"t_ns": 4, "event": "ended", "reason": "told", "unread": {}}


def read(folder: Path, *lines: object, complaint: str = "", tail: str = "") -> KernelLog:
    """Return the log read from ``lines`` and from the probe's standard error."""
    text = "".join(json.dumps(line) + "\n" for line in lines) + tail
    (folder / "kernel.ndjson").write_text(text)
    (folder / "kernel.stderr").write_text(complaint)
    return read_kernel_log(folder)


def test_the_last_depth_is_that_of_a_run_that_goes_on(tmp_path: Path) -> None:
    assert last_depth(tmp_path) is None
    path = tmp_path / KERNEL
    glance = '{"t_ns":%d,"event":"glanced","accept_queue":%d}\n'
    path.write_text("".join(glance % (n, n) for n in range(1000)) + '{"t_ns":1000,"eve')
    assert last_depth(tmp_path) == 999
    path.write_text('{"t_ns":1,"event":"begun"}\n')
    assert last_depth(tmp_path) is None


def test_a_whole_log_leaves_nothing_to_say(tmp_path: Path) -> None:
    log = read(tmp_path, BEGUN, LOOKED, GLANCED, ENDED)
    assert log.looks == (LOOKED,)
    assert log.accept_queue.tolist() == [(2, 3, 5), (3, 7, 0)]
    assert log.notes == ()


@pytest.mark.parametrize(
    ("lines", "complaint", "note"),
    [
        ([], "python3: No module named labkit\n",
         "no kernel figures: python3: No module named labkit"),
        ([BEGUN], "", "no kernel figures: the probe wrote nothing"),
        ([BEGUN, LOOKED], "", f"a probe was cut off: {AFTER_LAST_LOOK}"),
        ([BEGUN, LOOKED], "first\nsecond\n",
         f"a probe was cut off (second): {AFTER_LAST_LOOK}"),
        ([BEGUN, LOOKED, ENDED | {"reason": "server_gone"}], "",
         f"the server ended under load: {AFTER_LAST_LOOK}"),
        ([BEGUN, LOOKED, ENDED | {"unread": {"memory": "Permission denied"}}], "",
         "not measured: memory by PSS: Permission denied"),
        ([BEGUN | {"network": "shared"}, LOOKED, ENDED], "", SHARED_NETWORK),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_with_the_reason(
    tmp_path: Path, lines: list[object], complaint: str, note: str
) -> None:
    assert read(tmp_path, *lines, complaint=complaint).notes == (note,)


def test_without_a_probe_there_is_a_note(tmp_path: Path) -> None:
    assert read_kernel_log(tmp_path).notes == ("no kernel figures: there was no probe",)


@given(st.text(st.characters(codec="utf-8")))
def test_whatever_a_killed_probe_leaves_harms_nothing(
    tmp_path_factory: pytest.TempPathFactory, tail: str
) -> None:
    log = read(tmp_path_factory.mktemp("probe"), BEGUN, LOOKED, tail=tail)
    assert LOOKED in log.looks


@pytest.mark.parametrize(
    "line",
    [
        '{"t_ns": 5, "event": "looked", "threads": "many"}',
        '{"t_ns": 5, "event": "looked", "threads": NaN}',
        '{"t_ns": 5, "event": "looked", "threads": 1e999}',
        '{"t_ns": 5, "event": "looked", "accept_queue": -1}',
        '{"t_ns": 5, "event": "looked", "accept_queue": 1.5}',
        '{"t_ns": -5, "event": "looked"}',
        '{"t_ns": 1, "t_ns": 2, "event": "looked"}',
        '{"t_ns": 5, "event": "ended"}',
        '{"t_ns": 5, "event": "looked", "cpu_user_s": 1}',
        '{"t_ns": 5, "event": "ended", "reason": 5, "unread": {}}',
        '{"t_ns": 5, "event": "ended", "reason": "x", "unread": []}',
        '{"t_ns": 5, "event": "looked", "x":' + "[" * 9000,
        '{"t_ns": 5, "event": "looked", "x": ' + "9" * 5000 + "}",
    ],
    ids=lambda line: line[:60],
)
def test_lines_that_are_no_samples_are_a_gap(tmp_path: Path, line: str) -> None:
    """One may be partial, of a probe that was killed; two are not."""
    (tmp_path / KERNEL).write_text(f"{line}\n{line}\n")
    found = read_kernel_log(tmp_path)
    assert found.looks == ()
    assert found.gaps == ("kernel.ndjson: lines that are not samples of a probe: 2",)


def test_the_first_line_of_a_probe_is_a_sample(tmp_path: Path) -> None:
    line = {"probe_cpu_s": 0.04, "accept_queue_source": "sock_diag", "network": "shared"}
    begun = json.dumps({"t_ns": 1, "event": "begun", **line}) + "\n"
    (tmp_path / KERNEL).write_text(begun * 3)
    found = read_kernel_log(tmp_path)
    assert (len(found.lines), found.gaps) == (3, ())
