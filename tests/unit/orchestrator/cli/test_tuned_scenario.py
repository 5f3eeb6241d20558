"""What commands print of the think times that the twin finds."""

import re
from pathlib import Path

import pytest

from orchestrator.cli.main import main

TUNED = """\
intent: How long must they think?
models: [single, prefork]
server: {workers: 2}
clients:
  - {executor: closed, users: 6, messages: 50, demand: sleep=20ms, think_time: THINK}
"""
CLAIM = """\
source: {author: A. Nobody, title: On thinking, year: 2001, reference: nowhere}
claims:
  - {says: A pool is faster, expression: makespan(prefork) < makespan(single), known: reproduced}
repeats: 5
"""


@pytest.mark.parametrize("command", ["plan", "predict"])
def test_the_think_time_that_was_found_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = tmp_path / "tuned.yaml"
    path.write_text(TUNED.replace("THINK", "tuned(utilization=50%)"))
    assert main([command, str(path)]) == 0
    told = capsys.readouterr().out
    for model in ("single", "prefork"):
        found = rf"^{model}: think_time of clients is [0-9.]+ms: tuned\(utilization=50%\), as the"
        assert re.search(found, told, re.MULTILINE)


def test_a_think_time_that_cannot_be_found_ends_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tuned.yaml"
    text = TUNED.replace("THINK", "tuned(utilization=50%)")
    text = text.replace("users: 6", "users: 1").replace("workers: 2", "workers: 4")
    path.write_text(text + CLAIM)
    for command in ("plan", "predict", "run", "reproduce"):
        assert main([command, str(path)]) == 2
        assert "prefork: no think_time of clients is known at which" in capsys.readouterr().err
