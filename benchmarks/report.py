"""The figures as text for a person and as JSON for a program."""

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.tables import Spread, Table, Target


def as_text(tables: Sequence[Table]) -> str:
    """Return every table and, after them, every target."""
    lines = [line for table in tables for line in _table_lines(table)]
    if any(table.targets for table in tables):
        lines += ["Targets: median of the ratios within a round (lowest..highest)"]
        lines += [line for table in tables for line in _target_lines(table)]
    return "\n".join(lines) + "\n"


def as_json(tables: Sequence[Table]) -> list[dict[str, Any]]:
    """Return every value of every round, and the targets held against them."""
    return [
        {
            "title": table.title,
            "unit": table.unit,
            "rounds": {name: list(values) for name, values in table.rows.items()},
            "notes": dict(table.notes),
            "targets": [
                {
                    "of": target.of,
                    "to": target.to,
                    "at_least" if target.at_least else "at_most": target.bound,
                    "rounds": target.values(table.rows),
                    "is_met": target.is_met(table.rows),
                }
                for target in table.targets
            ],
        }
        for table in tables
    ]


def _table_lines(table: Table) -> Iterator[str]:
    yield f"{table.title} [{table.unit}]"
    ranked = sorted(table.rows.items(), key=lambda row: -Spread.of(row[1]).median)
    for name, values in ranked:
        spread = Spread.of(values)
        yield (
            f"  {name:<18} {_shown(spread.median):>10}  "
            f"({_shown(spread.low)}..{_shown(spread.high)})  {table.notes.get(name, '')}".rstrip()
        )
    yield ""


def _target_lines(table: Table) -> Iterator[str]:
    for target in table.targets:
        spread = Spread.of(target.values(table.rows))
        verdict = "met" if target.is_met(table.rows) else "MISSED"
        yield (
            f"  {verdict:<6} {_shown(spread.median):>7} ({_shown(spread.low)}.."
            f"{_shown(spread.high)}), {_wanted(target)}: {table.title}"
        )


def _wanted(target: Target) -> str:
    bound = f"{'at least' if target.at_least else 'at most'} {target.bound:g}"
    return f"{target.of} {bound}" + (f" x {target.to}" if target.to else "")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"  # noqa: PLR2004 digits enough
