"""The log of the fault proxy is an input like any other."""

import json
from pathlib import Path

import pytest

from orchestrator.results.proxy_log import MAX_BYTES, PROXY_LOG, ToxicsChange, read_proxy_log

SLOW = {"name": "slow", "type": "latency"}
LISTENING = {"event": "listening", "t_ns": 1, "specs": []}
CHANGED = {"event": "toxics_changed", "t_ns": 2, "specs": [SLOW]}
STOPPED = {"event": "stopped", "t_ns": 3, "counts": {}}


def written(folder: Path, *lines: object) -> Path:
    text = "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines)
    (folder / PROXY_LOG).write_text(text)
    return folder


def test_each_change_of_the_toxics_is_read(tmp_path: Path) -> None:
    log = read_proxy_log(written(tmp_path, LISTENING, CHANGED, STOPPED))
    assert log.changes == (ToxicsChange(1, ()), ToxicsChange(2, (SLOW,)))
    assert log.gaps == ()


def test_an_older_proxy_logged_names_only(tmp_path: Path) -> None:
    old = {"event": "toxics_changed", "t_ns": 2, "toxics": ["slow"]}
    assert read_proxy_log(written(tmp_path, LISTENING, old, STOPPED)).changes[1].toxics is None


@pytest.mark.parametrize(
    "line",
    ["Traceback", "[]", "null", "[" * 100_000, {"event": "other", "t_ns": 1},
     {"event": "toxics_changed", "t_ns": "1"}, {"event": "toxics_changed", "t_ns": 10**400},
     {"event": "toxics_changed", "t_ns": True},
     {"event": "toxics_changed", "t_ns": 1, "specs": {}},
     {"event": "toxics_changed", "t_ns": 1, "specs": ["slow"]}, {"event": ["stopped"], "t_ns": 1}],
)  # fmt: skip
def test_a_line_that_is_no_event_of_the_proxy_is_a_gap(tmp_path: Path, line: object) -> None:
    log = read_proxy_log(written(tmp_path, LISTENING, line, STOPPED))
    assert log.gaps == (f"{PROXY_LOG}:2 is not an event of the proxy",)


def test_many_strange_lines_are_one_gap(tmp_path: Path) -> None:
    log = read_proxy_log(written(tmp_path, LISTENING, *["x"] * 1000, STOPPED))
    assert log.gaps == (f"{PROXY_LOG}:2 is not an event of the proxy; further such lines: 999",)


def test_a_log_that_was_cut_or_is_missing_or_huge_is_a_gap(tmp_path: Path) -> None:
    assert read_proxy_log(tmp_path).gaps == (f"{PROXY_LOG} is missing",)
    begin, end = (f"{PROXY_LOG} does not {each}" for each in
                  ("begin with the event listening", "end with the event stopped"))  # fmt: skip
    assert read_proxy_log(written(tmp_path, LISTENING)).gaps == (end,)
    assert read_proxy_log(written(tmp_path, STOPPED)).gaps == (begin,)
    assert read_proxy_log(written(tmp_path)).gaps == (begin, end)
    assert "more than" in read_proxy_log(written(tmp_path, "x" * MAX_BYTES)).gaps[0]
