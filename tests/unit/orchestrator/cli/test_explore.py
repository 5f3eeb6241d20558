"""The command line of ``explore``; tests/e2e/test_explore.py runs it."""

import pytest

from orchestrator.cli.explore import execute
from orchestrator.cli.main import main, parse_arguments
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
