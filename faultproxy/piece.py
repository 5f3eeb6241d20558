"""What travels in one direction of a connection: bytes or an ending, each due at an instant."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

Draw: TypeAlias = Callable[[], float]  # the next random number, uniform, strictly from 0 to 1


class Ending(Enum):
    """How a stream ends: its sender has no more to say, or the proxy breaks the connection off."""

    EOF = "eof"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Piece:
    """Something to pass on at ``due_ns`` of the monotonic clock, not before."""

    due_ns: int
    content: bytes | Ending
