"""The table of a run on the claims page."""

from pathlib import Path

from orchestrator.cli.claims_page import BEGIN, END, PAGE, main, with_claims
from orchestrator.report.publish import publish_reproduction
from orchestrator.results.archive import Archive
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import reproduction


def test_what_stands_between_the_markers_is_replaced() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    text = with_claims(page, reproduction())
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "25\\.27 ms" in text
    assert "The quick tier on 2026-01-02, process backend, cpus 2;" in text
    assert with_claims(text, reproduction()) == text


def test_a_stored_run_is_put_onto_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    publish_reproduction(reproduction(), Archive(tmp_path))
    main(tmp_path, page)
    assert "A loop is faster" in page.read_text()


def test_the_page_has_the_markers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.index(BEGIN) < text.index(END)
