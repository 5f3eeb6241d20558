"""A session with a person: each problem is asked, the typed answer graded, and explained."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.quiz.answers import AnswerError
from orchestrator.quiz.machine import MachineAnswer
from orchestrator.quiz.problem import Problem
from orchestrator.quiz.solution import Solved, machine_line, problem_lines, solution_lines

QUIT, SHOW = ("q", "quit", "exit"), "?"
HELP = "Type an answer and Enter; ? shows the solution, q ends the quiz."
PROMPT = "> "


@dataclass(frozen=True)
class Dialog:
    """How to talk: ``say`` prints a line, ``read`` prompts for one, None at the end of input."""

    say: Callable[[str], None]
    read: Callable[[str], str | None]


class Session:
    """The score so far is kept at every instant, so that an interrupt loses none of it.

    ``by_machine`` answers a problem by the machine, after the person has; None: it is not asked.
    """

    def __init__(
        self, dialog: Dialog, by_machine: Callable[[Problem], MachineAnswer] | None = None
    ) -> None:
        self._dialog = dialog
        self._by_machine = by_machine
        self._right = self._answered = 0

    @property
    def score(self) -> str:
        """How many answers were right, in a sentence; a solution that was shown counts as none."""
        if not self._answered:
            return "No problem was answered."
        return f"{self._right} of {self._answered} right."

    def run(self, problems: Iterable[Problem]) -> None:
        """Ask ``problems`` until they or the input end, or the person quits."""
        self._dialog.say(HELP)
        for problem in problems:
            self._dialog.say("")
            for line in problem_lines(problem):
                self._dialog.say(line)
            if not self._ask(problem):
                return

    def _ask(self, problem: Problem) -> bool:
        """Read an answer to ``problem`` and grade it; return False to end the quiz."""
        while True:
            typed = self._dialog.read(PROMPT)
            if typed is None or typed.strip().lower() in QUIT:
                return False
            if not typed.strip():
                self._dialog.say(HELP)
                continue
            try:
                verdict, is_right = self._verdict(problem, typed)
            except AnswerError as exc:
                self._dialog.say(str(exc))
                continue
            self._answered += 1
            self._right += is_right
            self._dialog.say(verdict)
            self._explain(problem)
            return True

    @staticmethod
    def _verdict(problem: Problem, typed: str) -> tuple[str, bool]:
        """Return what to say of an answer, and whether it is right."""
        if typed.strip() == SHOW:
            return "Shown.", False
        graded = problem.grade(typed)
        if graded.is_right:
            return "Right.", True
        return f"Not right. {graded.mistake}".rstrip(), False

    def _explain(self, problem: Problem) -> None:
        for line in solution_lines(Solved(problem)):
            self._dialog.say(line)
        if self._by_machine is not None:
            self._dialog.say(machine_line(problem, self._by_machine(problem)))
        self._dialog.say(self.score)
