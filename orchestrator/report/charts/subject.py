"""What charts are drawn of: a case with what its run showed, under its name on the page."""

from dataclasses import dataclass

from orchestrator.records import Exhibit
from orchestrator.summary import CaseSummary


@dataclass(frozen=True)
class Subject:
    """A case of a campaign; ``name`` tells it from every other on the page."""

    name: str
    case: CaseSummary
    exhibit: Exhibit

    @property
    def model(self) -> str:
        """The name without the case's place on the axes of a matrix."""
        return self.name.removesuffix(self.case.name) + self.case.model
