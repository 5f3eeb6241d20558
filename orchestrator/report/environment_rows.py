"""Nested values as flat rows for a table: where a campaign ran."""

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.dimensions import SIZE, format_value
from orchestrator.report.cells import UNKNOWN


def rows(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested ``values`` as names and texts: ``packages.docker``, ``7.1.0``."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from rows(value, f"{name}.")
        else:
            yield name, _text(name, value)


def _text(name: str, value: object) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_bytes"):
        return format_value(value, SIZE)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(map(str, value))
    return str(value)
