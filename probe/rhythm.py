"""When to look next: at an interval, or as rarely as it takes to stay within a share of a core."""

CPU_SHARE = 0.004
"""Of a core, for each kind of look: the two together stay under a percent."""


class Rhythm:
    """The instants of one kind of look, in ns; the first is due at once."""

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self.due_ns = 0

    def put_off(self, now_ns: int, cost_ns: int) -> None:
        """Set when the next look is due after one at ``now_ns`` took ``cost_ns`` of CPU time."""
        self.due_ns = now_ns + max(self._every_ns, round(cost_ns / CPU_SHARE))
