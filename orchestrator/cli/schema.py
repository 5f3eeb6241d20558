"""``schema``: print the JSON Schema of scenarios, for editors.

``python -m orchestrator.cli.schema`` writes all schemas and the table of measures into `docs/`; a
test fails if they are out of date.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import BaseModel

from orchestrator.cli.markers import put_between
from orchestrator.cli.output import write_out
from orchestrator.measures.registry import MEASURES, Measure
from orchestrator.results.capacity import Capacity
from orchestrator.results.exit_codes import HOLDS
from orchestrator.results.reproduction import Reproduction
from orchestrator.results.summary import Summary
from orchestrator.scenario.hosts import hosts_schema
from orchestrator.scenario.json_schema import DIALECT, scenario_schema
from orchestrator.scenario.models import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a description that shows how an editor finds the schema."""
    parser.description = (
        "Print the JSON Schema of scenario files (draft 2020-12). Editors with a YAML language\n"
        "server complete and check scenario files that begin with:\n"
        "# yaml-language-server: $schema=../docs/scenario.schema.json"
    )
    parser.add_argument(
        "--hosts", action="store_true", help="print the schema of hosts files (docs/swarm.md)"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    write_out(hosts_schema_json() if arguments.hosts else scenario_schema_json())
    return HOLDS


DOCS = ROOT / "docs"
MEASURES_PAGE = "measures.md"
HEADINGS = {"input": "Set by the scenario", "measured": "Measured in a run"}
BEGIN, END = "<!-- measures: generated -->", "<!-- end of measures -->"


def schema_json() -> str:
    """Return the JSON Schema of `summary.json`."""
    return _written(_published(Summary))


def capacity_schema_json() -> str:
    """Return the JSON Schema of `capacity.json`."""
    return _written(_published(Capacity))


def reproduction_schema_json() -> str:
    """Return the JSON Schema of `reproduction.json`."""
    return _written(_published(Reproduction))


def _published(results: type[BaseModel]) -> dict[str, object]:
    return {"$schema": DIALECT, **results.model_json_schema(mode="serialization")}


def scenario_schema_json() -> str:
    """Return the JSON Schema of scenario files."""
    return _written(scenario_schema())


def hosts_schema_json() -> str:
    """Return the JSON Schema of hosts files."""
    return _written(hosts_schema())


def _written(schema: Mapping[str, object]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def measures_table() -> str:
    """Return every measure in Markdown: a table for the scenario, and one for a run."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for kind, heading in HEADINGS.items():
        yield from (f"\n## {heading}\n", "| Measure | Key | Unit | Meaning |", "|---|---|---|---|")
        yield from (_row(measure) for measure in MEASURES.values() if measure.kind == kind)
    yield ""


def _row(measure: Measure) -> str:
    unit = measure.dimension.unit or "-"
    return f"| `{measure.name}` | `{measure.key}` | {unit} | {measure.meaning} |"


def with_measures(page: str) -> str:
    """Return ``page`` with a new table between its two markers.

    Raises:
        MarkerError: it has not both of them, one after the other.
    """
    return put_between(BEGIN, END, measures_table(), page)


def write_docs(docs: Path) -> None:
    """Write the schemas and the table of measures into ``docs``."""
    (docs / "scenario.schema.json").write_text(scenario_schema_json(), encoding="utf-8")
    (docs / "hosts.schema.json").write_text(hosts_schema_json(), encoding="utf-8")
    (docs / "summary.schema.json").write_text(schema_json(), encoding="utf-8")
    (docs / "capacity.schema.json").write_text(capacity_schema_json(), encoding="utf-8")
    of_claims = docs / "reproduction.schema.json"
    of_claims.write_text(reproduction_schema_json(), encoding="utf-8")
    page = docs / MEASURES_PAGE
    page.write_text(with_measures(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_docs(DOCS)
