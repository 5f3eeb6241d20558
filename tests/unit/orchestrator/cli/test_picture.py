"""Stored results are drawn as an SVG file."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from orchestrator.cli.picture import main
from tests.unit.orchestrator.campaign.stored_run_fixtures import store_campaign


def drawn(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["picture", *map(str, words)])
    return main()


@pytest.mark.parametrize("name", ["lanes", "percentiles"])
def test_a_picture_is_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive, _ = store_campaign(tmp_path)
    path = tmp_path / f"{name}.svg"
    assert drawn(monkeypatch, archive.path, name, path) == 0
    assert ET.parse(path).getroot().tag.endswith("svg")  # noqa: S314 our own file


def test_an_unknown_name_prints_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, _ = store_campaign(tmp_path)
    assert drawn(monkeypatch, archive.path, "nope", tmp_path / "nope.svg") == 2
    said = capsys.readouterr().err
    assert said.startswith("pictures: ")
    assert "'nope'" in said
    assert "lanes, " in said
    assert "percentiles" in said
    assert not (tmp_path / "nope.svg").exists()


@pytest.mark.parametrize("folder", ["nowhere/results", "nowhere/out"])
def test_missing_folders_are_reported(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, _ = store_campaign(tmp_path)
    results = tmp_path / folder if folder.endswith("results") else archive.path
    assert drawn(monkeypatch, results, "lanes", tmp_path / "nowhere/out/lanes.svg") == 2
    assert f"{tmp_path}/nowhere" in capsys.readouterr().err
