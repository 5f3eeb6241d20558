"""What ``orchestrate.py quiz`` prints without a terminal, and what it refuses."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli import quiz as module
from orchestrator.cli.main import main
from orchestrator.quiz.machine import MachineAnswer
from orchestrator.quiz.problem import Problem
from orchestrator.results.exit_codes import FAILS, HOLDS, INTERRUPTED, INVALID
from orchestrator.scenario.models import ROOT

Printed = pytest.CaptureFixture[str]


def test_problems_are_printed_without_solutions(capsys: Printed) -> None:
    assert main(["quiz", "--seed", "7", "--count", "3"]) == HOLDS
    printed = capsys.readouterr().out
    assert printed.startswith("quiz --seed 7\n")
    assert re.findall(r"^Problem (\d) \(", printed, re.MULTILINE) == ["1", "2", "3"]
    assert "Solution" not in printed


def test_the_same_seed_prints_the_same(capsys: Printed) -> None:
    main(["quiz", "--seed", "7", "--answers"])
    first = capsys.readouterr().out
    main(["quiz", "--seed", "7", "--answers", "--count", "10"])
    assert capsys.readouterr().out == first
    assert first.count("Solution: ") == 10


def test_kinds_can_be_chosen(capsys: Printed) -> None:
    main(["quiz", "--seed", "7", "--count", "4", "--kind", "backlog", "--kind", "wait"])
    printed = capsys.readouterr().out
    assert printed.startswith("quiz --seed 7 --kind backlog --kind wait\n")
    kinds = re.findall(r"^Problem \d+ \((.*)\)$", printed, re.MULTILINE)
    assert len(kinds) == 4
    assert set(kinds) == {"backlog", "wait"}


def test_a_seed_is_drawn_and_printed(capsys: Printed) -> None:
    main(["quiz", "--count", "1"])
    seed = re.match(r"quiz --seed (\d+)\n", capsys.readouterr().out)
    assert seed
    assert int(seed[1]) < 10_000


def test_as_json_for_programs(capsys: Printed) -> None:
    assert main(["quiz", "--seed", "7", "--count", "2", "--json"]) == HOLDS
    found = json.loads(capsys.readouterr().out)
    assert found["seed"] == 7
    assert [each["number"] for each in found["problems"]] == [1, 2]
    assert not any("answer" in each or "scenario" in each for each in found["problems"])
    main(["quiz", "--seed", "7", "--count", "2", "--json", "--answers"])
    found = json.loads(capsys.readouterr().out)
    assert all(each["explanation"] and each["scenario"] for each in found["problems"])
    assert "agreement" not in found


@pytest.mark.parametrize("words", [["--seed", "-1"], ["--seed", "x"], ["--count", "0"]])
def test_a_wrong_number_is_refused_with_what_is_allowed(words: list[str], capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["quiz", *words])
    assert ended.value.code == 2
    assert "is not a whole number from" in capsys.readouterr().err


def test_the_page_shows_a_problem_as_it_is_asked(capsys: Printed) -> None:
    main(["quiz", "--seed", "7", "--count", "2", "--answers"])
    _, _, second = capsys.readouterr().out.split("\n\n")
    page = " ".join((ROOT / "docs/quiz.md").read_text(encoding="utf-8").split())
    assert [line for line in second.splitlines() if line not in page] == []


class Answers:
    """Stands for the machine: answers in turn, and then is interrupted."""

    def __init__(self, *answers: MachineAnswer) -> None:
        self._answers: Iterator[MachineAnswer] = iter(answers)

    def answer(self, _problem: Problem) -> MachineAnswer:
        for each in self._answers:
            return each
        raise KeyboardInterrupt


AGREES, DIFFERS = MachineAnswer(1.0, agrees=True), MachineAnswer(2.0, agrees=False)
UNDECIDED = MachineAnswer(None, None, "3 runs do not count")


@pytest.mark.parametrize(
    "expected",
    [
        ([AGREES, AGREES], HOLDS, 2),
        ([AGREES, DIFFERS], FAILS, 1),
        ([UNDECIDED, AGREES], INVALID, 1),
        ([AGREES], INTERRUPTED, 1),
    ],
)
def test_runs_are_stored_and_compared_with_the_twin(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Printed,
    expected: tuple[list[MachineAnswer], int, int],
) -> None:
    answers, code, agree = expected
    monkeypatch.setattr(module, "Machine", lambda *_, **__: Answers(*answers))
    words = ["--count", "2", "--run", "--backend", "process", "--out", str(tmp_path), "--json"]
    assert main(["quiz", "--seed", "7", *words]) == code
    printed = json.loads(capsys.readouterr().out)
    (stored,) = tmp_path.glob("quiz-*/quiz.json")
    assert json.loads(stored.read_text()) == printed
    assert printed["agreement"]["agree"] == agree
    assert len(printed["problems"]) == len(answers)


def test_the_agreement_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setattr(module, "Machine", lambda *_, **__: Answers(AGREES))
    words = ["--count", "1", "--run", "--backend", "process", "--out", str(tmp_path)]
    assert main(["quiz", "--seed", "7", *words]) == HOLDS
    printed = capsys.readouterr()
    assert "Twin and machine agree about 1 of 1 problem, differ about 0" in printed.out
    assert "backend: process (as requested)" in printed.err
