"""The lessons, as their pages and scenarios say: what is asked, and what is right."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from orchestrator.measures.registry import MEASURES
from orchestrator.scenario.models import ROOT

FOLDER = ROOT / "docs" / "lessons"
EVERY_MODEL = "all"
_SETTING = re.compile(r"--set\s+(\w+)=([^\s`]+)")
_GUESS = re.compile(r"(?P<measure>\w+) ~= \$\{(?P<name>\w+)\} within (?P<within>\S+)")


@dataclass(frozen=True)
class Asked:
    """A value that is to be guessed: that of ``measure`` in a model, empty if it is in all.

    ``right`` is the right guess, and a guess is right if it differs from it by ``within`` at most.
    """

    name: str
    measure: str
    model: str
    within: str
    right: str

    @property
    def meaning(self) -> str:
        """What the measure is."""
        return MEASURES[self.measure].meaning


@dataclass(frozen=True)
class Lesson:
    """A lesson: its texts are Markdown. ``path`` is that of its scenario."""

    number: int
    title: str
    setting: str
    question: str
    answer: str
    asked: tuple[Asked, ...]
    path: Path


@cache
def read_lessons() -> tuple[Lesson, ...]:
    """Return the lessons in their order."""
    pages = FOLDER.glob("[0-9]*.md")
    return tuple(sorted(map(_read, pages), key=lambda lesson: lesson.number))


def _read(page: Path) -> Lesson:
    text = page.read_text(encoding="utf-8")
    heading, rest = text.split("\n", 1)
    number, title = heading.removeprefix("# ").split(". ", 1)
    setting, _, rest = rest.partition("**Predict.**")
    question = rest.partition("\n\n")[0]
    answer = text.partition("<summary>Answer</summary>")[2].partition("</details>")[0]
    path = page.with_suffix(".yaml")
    right = dict(_SETTING.findall(answer))
    return Lesson(int(number), title, setting, question, answer, tuple(_asked(path, right)), path)


def _asked(path: Path, right: Mapping[str, str]) -> Iterator[Asked]:
    """Yield what the scenario at ``path`` leaves to be guessed."""
    guesses = yaml.safe_load(path.read_text(encoding="utf-8"))["guess"]
    for model, texts in guesses.items():
        for text in texts:
            found = _GUESS.fullmatch(text)
            if found is not None:
                own = "" if model == EVERY_MODEL else str(model)
                name = found["name"]
                yield Asked(name, found["measure"], own, found["within"], right[name])
