"""The command line of ``explore``; tests/e2e/test_explore.py runs it."""

from pathlib import Path

import pytest

from orchestrator.cli.explore import execute
from orchestrator.cli.main import main, parse_arguments
from orchestrator.explore.play import grid
from orchestrator.explore.web import listen


@pytest.mark.parametrize("port", ["0", "-1", "65536", "x", "8e3", "٣", "9" * 5_000])
def test_a_port_is_a_number_of_a_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explore", f"--port={port}"])
    assert ended.value.code == 2
    assert "is not a port, a whole number from 1 to 65535" in capsys.readouterr().err


def test_a_port_in_use_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with listen(0) as listener:
        assert main(["explore", "--no-browser", f"--port={listener.getsockname()[1]}"]) == 2
    assert "choose another with --port" in capsys.readouterr().err


def test_an_interrupt_is_how_it_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("orchestrator.cli.explore.say", interrupt)
    assert execute(parse_arguments(["explore", "--no-browser"])) == 0
    assert capsys.readouterr().out.startswith("explore: http://127.0.0.1:")


def test_a_page_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "MOST_POINTS", 20)
    page = tmp_path / "page.html"
    assert main(["explore", "scenarios/sixth_client.yaml", "--export", str(page)]) == 0
    assert "<h1>Five workers serve five clients, then six." in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--export", "page.html"], "are about a scenario; write its file before them"),
        (["scenarios/freeze.yaml", "--export", "page.html"], "Play cannot show it:\n  faults:"),
        (["scenarios/gil.yaml", "--export", "no/page.html"], "is in no folder: there is no no"),
        (["scenarios/gil.yaml", "--export", "docs"], "docs is a folder; write the path of a file"),
        (
            ["scenarios/ten_thousand.yaml", "--export", "page.html"],
            "users: '10000' is out of range; allowed",
        ),
        (["scenarios/no.yaml"], "scenarios/no.yaml:1:1: cannot be read"),
    ],
)
def test_what_cannot_be_played_is_misuse(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", *words]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--watch", "prefrok"], "unknown model 'prefrok'; did you mean 'prefork'?"),
        (["--watch", "prefork", "scenarios/gil.yaml"], "leave out SCENARIO, --set and --export"),
        (["--watch", "prefork", "--export", "page.html"], "leave out SCENARIO, --set and --export"),
        (["--watch", "prefork", "--set", "users=1"], "leave out SCENARIO, --set and --export"),
        (["--watch-port", "3000"], "name its model with --watch"),
        (["--backend", "docker"], "name its model with --watch"),
    ],
)
def test_what_cannot_be_watched_is_misuse(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explore", *words]) == 2
    assert reason in capsys.readouterr().err


def test_a_port_in_use_is_misuse_for_the_server_that_is_watched_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with listen(0) as listener:
        port = listener.getsockname()[1]
        assert main(["explore", "--watch", "prefork", f"--watch-port={port}"]) == 2
    assert "choose another with --watch-port" in capsys.readouterr().err


@pytest.mark.parametrize("out", ["file", "file/below", "/proc/none"])
def test_a_folder_that_cannot_have_results_is_misuse(
    out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["explore", "--no-browser", "--out", str(tmp_path / out)]) == 2
    assert "--out: cannot store results in " in capsys.readouterr().err
