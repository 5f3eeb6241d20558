"""What is wrong with a scenario file, and where: all of it at once, a line each."""

from collections.abc import Iterable
from dataclasses import dataclass

MAX_SHOWN = 50


@dataclass(frozen=True)
class Problem:
    """One defect; line and column count from 1, in characters."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ScenarioError(ValueError):
    """The file is no valid scenario; ``problems`` has every defect in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda each: (each.line, each.column)))
        lines = [str(each) for each in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            lines.append(f"and {len(self.problems) - MAX_SHOWN} more problems")
        super().__init__("\n".join(lines))
