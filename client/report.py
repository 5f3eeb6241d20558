"""What a replica reports, as far as the conductor believes it: all there, each of its kind.

Whether the numbers add up is for the analysis to say.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from client.health import Health
from labkit.wire.samples import FAILURES
from labkit.wire.wire import Message, WireError

COUNTS = (
    "replica", "start_ns", "first_connect_ns", "end_ns", "samples_bytes", "connections_bytes",
)  # fmt: skip
BOOKS = ("sent", "acked", "failed", "unsent", "in_flight")


def read_result(message: Message, replica: int) -> dict[str, Any]:
    """Return the fields of the result that ``message`` is, of the replica of that number.

    Raises:
        WireError: it is none, or something is missing or of the wrong kind.
    """
    if message["type"] != "result":
        raise WireError(f"a message of type {message['type'][:40]!r}")
    for name in COUNTS:
        read_count(message, name)
    if message["replica"] != replica:
        raise WireError(f"a result of replica {message['replica']}")
    if message.get("planned") is not None:
        read_count(message, "planned")
    for name, fields in (("books", BOOKS), ("errors", FAILURES)):
        table = _read_map(message, name, fields)
        for field in fields:
            read_count(table, field)
    _read_map(message, "health", Health.__annotations__)
    return {"planned": None} | {name: told for name, told in message.items() if name != "type"}


def read_count(told: Mapping[str, Any], name: str) -> int:
    """Return the number of that name, from 0.

    Raises:
        WireError: it is missing, or none.
    """
    count = told.get(name)
    if not isinstance(count, int) or count < 0:
        raise WireError(f"{name} is {count!r:.40}")
    return count


def _read_map(message: Message, name: str, fields: Iterable[str]) -> Mapping[str, Any]:
    table = message.get(name)
    if not isinstance(table, Mapping) or not table.keys() >= set(fields):
        raise WireError(f"{name} is {table!r:.40}")
    return table
