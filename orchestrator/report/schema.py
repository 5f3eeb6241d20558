"""What `docs/` publishes about results and scenarios, made from the code that writes them.

``python -m orchestrator.report.schema`` brings `docs/` into step; a test says when it is not.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from orchestrator.measures import MEASURES, Measure
from orchestrator.scenario.schema import DIALECT, scenario_schema
from orchestrator.summary import Summary

DOCS = Path(__file__).resolve().parents[2] / "docs"
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
    """Return every measure as a table in Markdown: key, unit, meaning."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "| Key in `measures` | In an expectation | Unit | Meaning |"
    yield "|---|---|---|---|"
    for measure in MEASURES.values():
        yield f"| `{measure.key}` | `{measure.name}` | {_unit(measure)} | {_meaning(measure)} |"


def _unit(measure: Measure) -> str:
    return measure.dimension.unit or "-"


def _meaning(measure: Measure) -> str:
    return f"{measure.meaning} (configured)" if measure.kind == "input" else measure.meaning


def with_measures(page: str) -> str:
    """Return ``page`` with the table between its two markers brought into step."""
    between = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    return between.sub(lambda _: f"{BEGIN}\n{measures_table()}\n{END}", page)


def publish(docs: Path) -> None:
    """Write both schemas and the table of measures into ``docs``."""
    (docs / "scenario.schema.json").write_text(scenario_schema_json(), encoding="utf-8")
    (docs / "summary.schema.json").write_text(schema_json(), encoding="utf-8")
    page = docs / "results.md"
    page.write_text(with_measures(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    publish(DOCS)
