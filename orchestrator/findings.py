"""What a campaign found: its summary, the circumstances, and every request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.records import RequestRecord
from orchestrator.summary import Summary


@dataclass(frozen=True)
class Findings:
    """All that the results are made of; ``requests`` by the slug of their case."""

    summary: Summary
    environment: Mapping[str, object]
    requests: Mapping[str, Sequence[RequestRecord]]
