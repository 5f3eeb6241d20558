"""The record of faults survives its file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.results.fault_log import (
    FAULTS_FILE,
    TOO_LATE,
    FaultRecord,
    read_faults,
    write_faults,
)

INSTANTS = st.none() | st.integers(0, 2**63 - 1)
RECORDS = st.builds(
    FaultRecord,
    fault=st.sampled_from(["pause", "kill-worker"]),
    asked_ns=st.integers(0, 2**63 - 1),
    effect_ns=INSTANTS,
    ending_ns=INSTANTS,
    reverted_ns=INSTANTS,
    worker=st.none() | st.integers(1, 1024),
    error=st.text(st.characters(codec="utf-8")),
    crowd=st.none() | st.integers(1, 10_000),
    is_by_hand=st.booleans(),
)


@given(st.lists(RECORDS, max_size=4))
def test_records_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, records: list[FaultRecord]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    write_faults(iter(records), folder)
    assert read_faults(folder) == tuple(records)


def test_a_case_without_faults_has_no_file(tmp_path: Path) -> None:
    assert read_faults(tmp_path) == ()
    write_faults([], tmp_path)
    assert read_faults(tmp_path) == ()
    assert (tmp_path / FAULTS_FILE).read_text(encoding="utf-8") == "[]\n"


def test_a_fault_that_was_never_begun_says_that_it_came_too_late(tmp_path: Path) -> None:
    write_faults([FaultRecord("pause", asked_ns=5)], tmp_path)
    (record,) = read_faults(tmp_path)
    assert (record.effect_ns, record.reverted_ns, record.error) == (None, None, TOO_LATE)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[1]", '[{"fault": "kill"}]', '[{"fault": "kill", "asked_ns": "5"}]',
     '[{"fault": "kill", "asked_ns": -5}]', '[{"fault": "kill", "asked_ns": 1e400}]',
     '[{"fault": "kill", "asked_ns": 5, "effect_ns": true}]',
     '[{"fault": "kill", "asked_ns": 5, "color": 1}]', "[" * 100_000],
)  # fmt: skip
def test_a_file_that_holds_no_records_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / FAULTS_FILE).write_text(text)
    with pytest.raises(ValueError, match=f"{FAULTS_FILE} does not hold records of faults"):
        read_faults(tmp_path)


def test_a_record_of_an_older_version_lacks_what_that_did_not_record(tmp_path: Path) -> None:
    (tmp_path / FAULTS_FILE).write_text('[{"fault": "pause", "asked_ns": 5, "error": ""}]')
    (record,) = read_faults(tmp_path)
    assert (record.lasts_ns, record.is_cut, record.toxic) == (None, False, None)
