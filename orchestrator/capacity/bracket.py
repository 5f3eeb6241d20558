"""The first loads of a search, and where to go on if they do not bracket the capacity.

With a twin they lie closely around its capacity; without one, around the load asked about or a
guess. Values only.
"""

CLOSE = (0.9, 1.1)
WIDE = (0.71, 1.4)
"""Shares of the twin's capacity: a twin errs upwards, since a server has costs that it lacks.

The wide ones are just within a width of 50%, so that few messages decide both of them.
"""
GUESSED = (1.0, 1.5)
AROUND, AROUND_WIDE = 1.5, 1.9
"""How far from the load asked about without a twin, and how much wider the first step outside is.

1.9 is just within a width of 50%, so that no load between is needed.
"""
UNKNOWN = 10.0
"""Where a search begins of which nothing is known; a few widenings lead anywhere from there."""


def first_bracket(
    predicted: float | None, guess: float | None, is_wide: bool, at: float | None
) -> tuple[float, float]:
    """Return the two loads to try first; the lower one is expected to hold, the other one to fail.

    Args:
        predicted: the twin's capacity; None without a twin.
        guess: a load of the right size, such as the one in the scenario.
        is_wide: whether the search is content with a wide interval, so that two loads may end it.
        at: the load asked about. If it lies between the two, it is tried before them and replaces
            one of them, so that the other one keeps its distance from it.
    """
    if predicted is not None:
        below, above = WIDE if is_wide else CLOSE
        if at is not None and below * predicted < at < above * predicted:
            return below * min(predicted, at), above * max(predicted, at)
        return below * predicted, above * predicted
    if at is not None:
        around = AROUND_WIDE if is_wide else AROUND
        return at / around, at * around
    below, above = GUESSED
    start = guess or UNKNOWN
    return below * start, above * start


def widening(times: int, *, is_wide: bool = False) -> float:
    """Return the factor by which widening number ``times``, from 1, goes beyond the loads so far.

    Each is 1.5 times the one before, so that a load 50 times off is bracketed by five; 1.9 times
    if the search is wide.
    """
    return (AROUND_WIDE if is_wide else AROUND) ** times
