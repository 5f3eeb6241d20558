from pathlib import Path

import pytest

from orchestrator.campaign.restore import RestoreError
from orchestrator.capacity.stored import circumstances_of, is_capacity, read_capacity
from tests.unit.orchestrator.capacity.capacity_fixtures import capacity, case


def test_a_result_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert not is_capacity(tmp_path)
    (tmp_path / "capacity.json").write_text(capacity(case()).model_dump_json())
    assert is_capacity(tmp_path)
    assert read_capacity(tmp_path) == capacity(case())


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RestoreError, match=r"capacity.json cannot be read: No such file"):
        read_capacity(tmp_path)
    (tmp_path / "capacity.json").write_text("{}")
    with pytest.raises(RestoreError, match="incompatible version"):
        read_capacity(tmp_path)


def test_the_circumstances_are_host_and_scenario(tmp_path: Path) -> None:
    assert circumstances_of(capacity(), tmp_path).scenario is None
    (tmp_path / "scenario.yaml").write_text("intent: Why?\n")
    found = circumstances_of(capacity(), tmp_path)
    assert found.scenario == {"intent": "Why?"}
    assert found.value("kernel") == "6.1.0"
    (tmp_path / "scenario.yaml").write_text("- no\n- map\n")
    with pytest.raises(RestoreError, match="it is no map"):
        circumstances_of(capacity(), tmp_path)
