"""What a campaign found: its summary, the circumstances, and what its pictures show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.conclude import Conclusion
from orchestrator.records import Excerpt
from orchestrator.summary import Summary


@dataclass(frozen=True)
class Findings:
    """All that the results are made of; ``excerpts`` by the slug of their case."""

    summary: Summary
    environment: Mapping[str, object]
    excerpts: Mapping[str, Excerpt]


def first_excerpts(conclusions: Sequence[Conclusion]) -> dict[str, Excerpt]:
    """Return what pictures show: of each case, its first repeat."""
    return {each.run.case.slug: each.excerpt for each in conclusions if each.run.repeat == 1}
