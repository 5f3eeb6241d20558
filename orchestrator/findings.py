"""What a campaign found: its summary, the circumstances, and what its pictures show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.conclude import Conclusion
from orchestrator.records import Exhibit
from orchestrator.summary import Summary


@dataclass(frozen=True)
class Findings:
    """All that the results are made of; ``exhibits`` by the slug of their case.

    ``scenario`` is the text of the resolved one, and ``folder`` the name of that of the results.
    """

    summary: Summary
    environment: Mapping[str, object]
    exhibits: Mapping[str, Exhibit]
    scenario: str = ""
    folder: str = ""


def first_exhibits(conclusions: Sequence[Conclusion]) -> dict[str, Exhibit]:
    """Return what pictures show: of each case, its first repeat."""
    return {each.run.case.slug: each.exhibit for each in conclusions if each.run.repeat == 1}
