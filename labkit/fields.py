"""A dataclass from the fields of a message: all there, each of its type."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from labkit.wire import WireError

T = TypeVar("T")
_KINDS: Mapping[object, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    str: (str,),
    bool: (bool,),
    int | None: (int, type(None)),
    float | None: (int, float, type(None)),
    str | None: (str, type(None)),
}


def read_fields(kind: type[T], told: object) -> T:
    """Return the dataclass ``kind`` that ``told`` has all fields of; what else it has is ignored.

    Raises:
        WireError: something is missing, or not of the type that ``kind`` states.
    """
    if not isinstance(told, Mapping):
        raise WireError(f"no {kind.__name__}: {told!r:.80}")
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # each caller passes a dataclass
        if field.name not in told:
            raise WireError(f"no {kind.__name__}, it lacks {field.name}")
        value = values[field.name] = told[field.name]
        allowed = _KINDS.get(field.type)
        if allowed and type(value) not in allowed:  # a bool is an int, too
            raise WireError(f"no {kind.__name__}, {field.name} is {value!r:.80}")
    return kind(**values)
