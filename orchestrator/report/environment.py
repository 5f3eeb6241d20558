"""Where something ran: in one line, and in rows of names and texts; texts of several lines."""

from collections.abc import Iterable, Iterator, Mapping

from markupsafe import Markup, escape

from orchestrator.measures.dimensions import SIZE, TIME, format_value
from orchestrator.report.columns import UNKNOWN
from orchestrator.report.escape import visible_lines

MINUTE = len("2026-01-02T03:04")


def about(name: str, backend: str, started_at: str, duration_s: float) -> str:
    """Return what ran, where, when and for how long, in one line."""
    return " · ".join((
        name,
        f"{backend} backend",
        f"{started_at[:MINUTE].replace('T', ' ')} UTC",
        f"took {format_value(duration_s, TIME)}",
    ))  # fmt: skip


def environment_rows(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested ``values`` as names and texts: ``packages.docker``, ``7.1.0``."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from environment_rows(value, f"{name}.")
        else:
            yield name, _value_text(name, value)


def _value_text(name: str, value: object) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_bytes"):
        return format_value(value, SIZE)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(map(str, value))
    return str(value)


def printable_lines(lines: str) -> Markup:
    """Return ``lines`` as markup, with their indentation, and nothing that a page interprets."""
    return Markup("\n").join(escape(line) for line in visible_lines(lines))
