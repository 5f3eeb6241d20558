"""The table of a run on the claims page."""

from pathlib import Path

import pytest

from orchestrator.cli.claims_page import BEGIN, END, PAGE, main, with_claims
from orchestrator.report.publish import publish_reproduction
from orchestrator.results.archive import Archive
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import (
    OPEN,
    claim,
    reproduction,
)


def test_what_stands_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nan older one\n{END}\nafter\n"
    text = with_claims(page, reproduction())
    assert "an older one" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "25.27 ms" in text
    assert "The quick tier on 2026-01-02, process backend, cpus 2;" in text
    assert "its interval (93.8%)" in text
    assert with_claims(text, reproduction()) == text


def test_a_claim_that_is_undecided_has_its_reason_below_the_table() -> None:
    text = with_claims(f"{BEGIN}\n{END}\n", reproduction(claim(), OPEN))
    below = text[text.index("published: ") :]
    assert "\n- It grows" in below
    assert "no engine\n" in below


def test_a_stored_run_is_put_onto_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    publish_reproduction(reproduction(), Archive(tmp_path))
    assert main([str(tmp_path), "--page", str(page)]) == 0
    assert "A loop is faster" in page.read_text()


def test_without_a_run_it_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    said = capsys.readouterr().err
    assert "usage: make claims RUN=" in said
    assert "required: RUN" in said


def test_a_folder_without_a_reproduction_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"make claims: {tmp_path}/reproduction.json cannot")


def test_a_page_without_the_markers_is_refused_and_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{END}\n{BEGIN}\n")
    publish_reproduction(reproduction(), Archive(tmp_path))
    assert main([str(tmp_path), "--page", str(page)]) == 2
    assert f"the page lacks the lines {BEGIN} and {END}" in capsys.readouterr().err
    assert page.read_text() == f"{END}\n{BEGIN}\n"


def test_a_page_that_cannot_be_read_is_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_reproduction(reproduction(), Archive(tmp_path))
    assert main([str(tmp_path), "--page", str(tmp_path / "none.md")]) == 3
    assert "no such file or directory" in capsys.readouterr().err


def test_the_page_has_the_markers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.index(BEGIN) < text.index(END)
