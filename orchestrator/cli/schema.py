"""Print the JSON Schema of scenarios, for editors.

What `docs/` publishes about results and scenarios, made from the code that writes them. ``python
-m orchestrator.cli.schema`` brings `docs/` into step; a test says when it is not.
"""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.cli.output import write_out
from orchestrator.measures.registry import MEASURES, Measure
from orchestrator.results.exit_codes import HOLDS
from orchestrator.results.summary import Summary
from orchestrator.scenario.json_schema import DIALECT, scenario_schema
from orchestrator.scenario.models import ROOT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Teach how an editor is told of it."""
    parser.description = (
        "Print the JSON Schema of scenario files (draft 2020-12). Editors with a YAML language "
        "server complete and check a file that begins with: "
        "# yaml-language-server: $schema=../docs/scenario.schema.json"
    )


def execute(_asked: argparse.Namespace) -> int:
    """Print it."""
    write_out(scenario_schema_json())
    return HOLDS


DOCS = ROOT / "docs"
MEASURES_PAGE = "measures.md"
HEADINGS = {"input": "Set by the scenario", "measured": "Measured in a run"}
BEGIN, END = "<!-- measures: generated -->", "<!-- end of measures -->"


def schema_json() -> str:
    """Return the JSON Schema of `summary.json`."""
    schema = {
        "$schema": DIALECT,
        **Summary.model_json_schema(mode="serialization"),
    }
    return _written(schema)


def scenario_schema_json() -> str:
    """Return the JSON Schema of scenario files."""
    return _written(scenario_schema())


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
    """Return ``page`` with the table between its two markers brought into step."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n{measures_table()}\n{END}", page)


def publish(docs: Path) -> None:
    """Write both schemas and the table of measures into ``docs``."""
    (docs / "scenario.schema.json").write_text(scenario_schema_json(), encoding="utf-8")
    (docs / "summary.schema.json").write_text(schema_json(), encoding="utf-8")
    page = docs / MEASURES_PAGE
    page.write_text(with_measures(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    publish(DOCS)
