"""``validate`` prints the cases of scenario files, or all their problems."""

from pathlib import Path

import pytest

from orchestrator.cli.main import main

GOOD = """\
intent: Does one message get through?
models: [single, epoll]
variables: {users: 1}
clients: [{executor: closed, users: $users, messages: 1}]
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return path


def test_the_cases_of_a_valid_file_are_printed(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(good)]) == 0
    assert capsys.readouterr() == (f"{good}: valid, 2 cases\n  single\n  epoll\n", "")


def test_one_case_is_not_plural(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good.write_text(GOOD.replace(", epoll", ""))
    assert main(["validate", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: valid, 1 case\n  single\n"


def test_every_file_is_checked_even_after_a_bad_one(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(GOOD.replace("single", "singel").replace("messages: 1", "messages: 0"))
    assert main(["validate", str(bad), str(good)]) == 2
    printed = capsys.readouterr()
    assert printed.err.count(f"{bad}:") == 2
    assert "unknown model 'singel'; did you mean 'single'?" in printed.err
    assert f"{good}: valid, 2 cases" in printed.out


@pytest.mark.parametrize(("setting", "code"), [("users=7", 0), ("users=-7", 2), ("usres=7", 2)])
def test_the_values_of_variables_are_checked(good: Path, setting: str, code: int) -> None:
    assert main(["validate", str(good), "--set", setting]) == code
