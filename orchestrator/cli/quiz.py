"""``quiz``: ask problems about who waits for whom, grade the answers, and explain them.

In a terminal it asks. Otherwise, or with ``--answers`` or ``--json``, it prints the problems.
"""

import argparse
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice

from orchestrator.campaign.campaign import new_campaign_id
from orchestrator.cli.options import add_accept_invalid, add_place, backend_of
from orchestrator.cli.output import write_out
from orchestrator.cli.place import choose_backend
from orchestrator.cli.screen import Screen, progress_screen
from orchestrator.execution import interrupts
from orchestrator.execution.owner import claim
from orchestrator.quiz.generate import QUESTIONS, problems
from orchestrator.quiz.machine import Machine
from orchestrator.quiz.problem import Problem
from orchestrator.quiz.session import Dialog, Session
from orchestrator.quiz.solution import (
    QUIZ,
    Solved,
    agreement,
    agreement_text,
    as_data,
    exit_code,
    problem_lines,
    solution_lines,
)
from orchestrator.results.archive import Archive
from orchestrator.results.defect import traced
from orchestrator.results.exit_codes import HOLDS, INTERRUPTED
from orchestrator.results.strict_json import to_json

MOST_SEED, MOST_COUNT = 2**32 - 1, 10_000
SMALL_SEED = 10_000
"""Below this is a seed that is drawn: easy to type again."""

PRINTED = 10
"""How many problems are printed without ``--count``; in a terminal they do not end."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the seed, the number of problems, and what to do with them."""
    parser.add_argument(
        "--seed",
        metavar="N",
        type=_whole(0, MOST_SEED),
        help="the same seed asks the same problems (default: drawn, and printed)",
    )
    parser.add_argument(
        "--count",
        metavar="N",
        type=_whole(1, MOST_COUNT),
        help=f"how many problems (default: {PRINTED}; in a terminal, until you type q)",
    )
    parser.add_argument(
        "--kind",
        dest="kinds",
        action="append",
        choices=QUESTIONS,
        metavar="KIND",
        help=f"ask problems of this kind only: {', '.join(QUESTIONS)}; may be repeated",
    )
    parser.add_argument(
        "--answers", action="store_true", help="ask nothing: print problems and solutions"
    )
    parser.add_argument(
        "--run",
        action="store_true",
        help="answer each problem by a run on this machine, too; exit code 1 if twin and machine "
        "differ, 4 if that is undecided",
    )
    add_place(parser)
    add_accept_invalid(parser, "with --run: compare even if the host was disturbed")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the problems as JSON, with --answers or --run with their solutions",
    )


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number from ``low`` to ``high`` of the command line."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and low <= int(text[:20]) <= high:
            return int(text)
        message = f"{text!r:.60} is not a whole number from {low} to {high}; write e.g. 7"
        raise argparse.ArgumentTypeError(message)

    return read


def execute(arguments: argparse.Namespace) -> int:
    """Ask in a terminal, else print; return the exit code."""
    if arguments.seed is None:
        arguments.seed = secrets.randbelow(SMALL_SEED)
    asks = not arguments.answers and not arguments.json and _is_terminal()
    act = _ask if asks else _print
    if not arguments.run:
        return act(arguments, None)
    with interrupts.held(), _lab_of(arguments) as lab, interrupts.released():
        return act(arguments, lab)


@dataclass(frozen=True)
class _Lab:
    """What runs the problems, and the folder of its files."""

    machine: Machine
    archive: Archive


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def _lab_of(arguments: argparse.Namespace) -> Iterator[_Lab]:
    """Provide what runs the problems; close the backend at the end."""
    messages, campaign_id = progress_screen(), new_campaign_id()
    claim(campaign_id, kept=False)
    backend, reason = choose_backend(backend_of(arguments), campaign_id, keep=False)

    def note(line: str) -> None:
        messages.print(line, markup=False, highlight=False, soft_wrap=True)

    note(f"backend: {backend.name} ({reason})")
    archive = Archive.create(arguments.out, "quiz", campaign_id)
    machine = Machine(backend, archive, note, accept_invalid=arguments.accept_invalid)
    with traced(archive.path), closing(backend):
        yield _Lab(machine, archive)
    note(f"results: {archive.path}")


def _problems_of(arguments: argparse.Namespace, count: int | None) -> Iterator[Problem]:
    """Return ``count`` problems, or without an end."""
    return islice(problems(arguments.seed, arguments.kinds or QUESTIONS.keys()), count)


def _words_of(arguments: argparse.Namespace) -> str:
    """Return the words of a command line that asks the same problems."""
    kinds = (word for kind in arguments.kinds or () for word in ("--kind", kind))
    return " ".join(["quiz", "--seed", str(arguments.seed), *kinds])


def _ask(arguments: argparse.Namespace, lab: _Lab | None) -> int:
    """Ask the problems; an interrupt ends the quiz with the score so far."""
    screen = Screen()

    def say(line: str) -> None:
        screen.print(line, markup=False, highlight=False)

    session = Session(Dialog(say, _read), None if lab is None else lab.machine.answer)
    say(f"This is {_words_of(arguments)}, which asks the same problems again.")
    try:
        session.run(_problems_of(arguments, arguments.count))
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        say("")
        say(session.score)
    return HOLDS


def _read(prompt: str) -> str | None:
    """Return the line that is typed after ``prompt``, None at the end of input."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    return sys.stdin.buffer.readline().decode(errors="replace") or None


def _print(arguments: argparse.Namespace, lab: _Lab | None) -> int:
    """Print the problems, and with ``--answers`` or ``--run`` the solutions.

    An interrupt ends it after the problems that are solved.
    """
    shows = arguments.answers or lab is not None
    solved: list[Solved] = []
    if not arguments.json:
        _say(_words_of(arguments))
    try:
        for each in _problems_of(arguments, arguments.count or PRINTED):
            solved.append(Solved(each, None if lab is None else lab.machine.answer(each)))
            if not arguments.json:
                _print_one(solved[-1], shows=shows)
    except KeyboardInterrupt:
        _finish(arguments, lab, solved, shows=shows)
        return INTERRUPTED
    _finish(arguments, lab, solved, shows=shows)
    return exit_code(solved)


def _print_one(solved: Solved, *, shows: bool) -> None:
    _say("")
    for line in problem_lines(solved.problem):
        _say(line)
    for line in solution_lines(solved) if shows else ():
        _say(line)


def _say(line: str) -> None:
    """Print a line that a terminal wraps and a file does not."""
    Screen().print(line, markup=False, highlight=False, soft_wrap=not sys.stdout.isatty())


def _finish(
    arguments: argparse.Namespace, lab: _Lab | None, solved: list[Solved], *, shows: bool
) -> None:
    """Store what was run, and print the document or the agreement."""
    listed = [as_data(each, with_solution=shows) for each in solved]
    document: dict[str, object] = {"seed": arguments.seed, "problems": listed}
    if lab is not None:
        document["accepts_invalid"] = arguments.accept_invalid
        document["agreement"] = agreement(solved)
        lab.archive.write_json(QUIZ, document)
    if arguments.json:
        write_out(to_json(document, indent=2) + "\n")
    elif lab is not None:
        _say("")
        _say(agreement_text(solved))
        if arguments.accept_invalid:
            _say("Runs that other programs disturbed were accepted.")
