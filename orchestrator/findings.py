"""What a campaign found: its summary, the circumstances, and what its pictures show."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.records import Excerpt
from orchestrator.summary import Summary


@dataclass(frozen=True)
class Findings:
    """All that the results are made of; ``excerpts`` by the slug of their case."""

    summary: Summary
    environment: Mapping[str, object]
    excerpts: Mapping[str, Excerpt]
