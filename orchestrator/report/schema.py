"""What `docs/` publishes about results, made from the code that writes them.

``python -m orchestrator.report.schema`` brings `docs/` into step; a test says when it is not.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from orchestrator.measures import MEASURES, Measure
from orchestrator.summary import Summary

DOCS = Path(__file__).resolve().parents[2] / "docs"
BEGIN, END = "<!-- measures: generated -->", "<!-- end of measures -->"


def schema_json() -> str:
    """Return the JSON Schema of `summary.json`."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Summary.model_json_schema(mode="serialization"),
    }
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
    """Write the schema and the table of measures into ``docs``."""
    (docs / "summary.schema.json").write_text(schema_json(), encoding="utf-8")
    page = docs / "results.md"
    page.write_text(with_measures(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    publish(DOCS)
