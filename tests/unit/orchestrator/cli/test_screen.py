"""A console shows text from outside as text, in tables and progress too."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from orchestrator.cli.screen import Screen, progress_screen


def printed(renderable: object, *, is_terminal: bool = False) -> str:
    """Return what a console of 80 columns prints."""
    screen = Screen(file=io.StringIO(), width=80, force_terminal=is_terminal)
    screen.print(renderable, style="red", markup=False, highlight=False)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def table(cell: str) -> Table:
    """Return a table with one cell."""
    found = Table()
    found.add_column("a")
    found.add_row(Text(cell))
    return found


@pytest.mark.parametrize("wrap", [str, Text, table])
def test_a_terminal_gets_no_control_character_of_a_text(wrap: type) -> None:
    found = printed(wrap("a\x1b[2Jb\x9bc\u202ed"), is_terminal=True)
    assert r"a\x1b[2" in found
    assert "\x1b[31m" in found  # the console's own color
    assert not any(obeyed in found for obeyed in ("\x1b[2J", "\x9b", "\u202e"))


def test_lines_stay_lines() -> None:
    assert printed("a\n  b\n\nc") == "a\n  b\n\nc\n"


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    progress_screen().print("one")
    assert capsys.readouterr() == ("", "one\n")
