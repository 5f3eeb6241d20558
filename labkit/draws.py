"""Random numbers by name: what is drawn for a message depends on which message it is alone.

A generator that hands out its numbers in turn would give a message another demand as soon as
another user were faster. Here each draw is a keyed hash (BLAKE2b, RFC 7693) of its name, so it is
the same on every model, in every repeat, and however many replicas share the load.
"""

from hashlib import blake2b
from struct import Struct

_two_words = Struct("<QQ").unpack
_SCALE = 2.0**-52  # with 53 bits the largest would round to 1
_DROPPED_BITS = 12


class Draws:
    """One stream of draws; ``purpose`` keeps streams of one group apart, at most 16 bytes."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, group: str, purpose: str) -> None:
        name = f"{seed}/{group}/".encode()
        self._state = blake2b(name, digest_size=16, person=purpose.encode("ascii"))

    def pair(self, user: int, message: int) -> tuple[float, float]:
        """Return two independent draws, uniform and strictly between 0 and 1."""
        state = self._state.copy()
        state.update(b"%d/%d" % (user, message))
        first, second = _two_words(state.digest())
        return (
            ((first >> _DROPPED_BITS) + 0.5) * _SCALE,
            ((second >> _DROPPED_BITS) + 0.5) * _SCALE,
        )
