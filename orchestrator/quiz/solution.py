"""A problem and its solution, as lines for a person and as data for a program."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.measures.sentences import counted
from orchestrator.quiz.answers import Amount
from orchestrator.quiz.machine import MachineAnswer
from orchestrator.quiz.problem import Problem
from orchestrator.results.exit_codes import FAILS, HOLDS, INVALID

QUIZ = "quiz.json"
"""The file of problems that the machine has answered."""


@dataclass(frozen=True)
class Solved:
    """A problem, and what the machine answers, None if it was not asked."""

    problem: Problem
    machine: MachineAnswer | None = None


def problem_lines(problem: Problem) -> Iterator[str]:
    """Yield the lines that pose ``problem``."""
    yield f"Problem {problem.number} ({problem.kind})"
    yield problem.setting
    yield problem.question
    yield f"Answer with {problem.answer.form}."


def solution_lines(solved: Solved) -> Iterator[str]:
    """Yield the lines with the right answer, why it is right, and the answer of the machine."""
    problem = solved.problem
    yield f"Solution: {problem.answer.right_text}. {problem.explanation}"
    if solved.machine is not None:
        yield machine_line(problem, solved.machine)


def machine_line(problem: Problem, found: MachineAnswer) -> str:
    """Return what the machine answers, and whether the twin says the same."""
    if found.value is None:
        what = "undecided" if found.agrees is None else "no answer"
        return f"The machine: {what}, {found.reason}."
    verdict = "it agrees" if found.agrees else f"it differs from {problem.answer.right_text}"
    return f"The machine: {problem.answer.text(found.value)}; {verdict}."


def as_data(solved: Solved, *, with_solution: bool) -> dict[str, Any]:
    """Return a problem for a program; the scenario belongs to the solution, which it may give away.

    Amounts are in base units, seconds and per second; a choice is a text.
    """
    problem, answer = solved.problem, solved.problem.answer
    posed: dict[str, Any] = {
        "number": problem.number,
        "kind": problem.kind,
        "setting": problem.setting,
        "question": problem.question,
        "form": answer.form,
        "options": None if isinstance(answer, Amount) else list(answer.options),
    }
    if not with_solution:
        return posed
    amount = answer if isinstance(answer, Amount) else None
    return {
        **posed,
        "answer": answer.right if isinstance(answer, Amount) else sorted(answer.right),
        "answer_text": answer.right_text,
        "unit": amount and amount.dimension.unit,
        "tolerance": amount and amount.tolerance,
        "explanation": problem.explanation,
        "scenario": problem.scenario.resolved(),
        "machine": _machine_data(solved.machine),
    }


def _machine_data(found: MachineAnswer | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"value": found.value, "agrees": found.agrees, "reason": found.reason}


def agreement(solved: Sequence[Solved]) -> dict[str, int]:
    """Return about how many problems twin and machine agree, differ, or are undecided."""
    found = Counter(each.machine.agrees for each in solved if each.machine is not None)
    return {"agree": found[True], "differ": found[False], "undecided": found[None]}


def agreement_text(solved: Sequence[Solved]) -> str:
    """Return the `agreement` in a sentence."""
    return counts_text(agreement(solved))


def counts_text(found: Mapping[str, int]) -> str:
    """Return the counts of an `agreement` in a sentence."""
    total = counted(sum(found.values()), "problems")
    return (
        f"Twin and machine agree about {found['agree']} of {total}, differ about "
        f"{found['differ']}, and {found['undecided']} are undecided."
    )


def exit_code(solved: Sequence[Solved]) -> int:
    """Return 1 if twin and machine differ about a problem, 4 if one is undecided, else 0."""
    found = agreement(solved)
    if found["differ"]:
        return FAILS
    return INVALID if found["undecided"] else HOLDS
