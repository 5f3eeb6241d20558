"""Whether a load is hopeless: the expressions under ``abort`` of a scenario, while it runs.

The figures are those that the clients report twice a second, of all messages since the load began.
"""

import time
from collections.abc import Sequence

from labkit.wire.histogram import quantile_floor_ns
from labkit.wire.progress import Pulse
from orchestrator.measures.bounds import AtLeast, Values
from orchestrator.measures.expression import Expression
from orchestrator.measures.live import live_share
from orchestrator.results.summary import Abort

NS_PER_S = 1_000_000_000


class AbortWatch:
    """Evaluates ``expressions`` for each pulse; ``found`` is the first that was true.

    ``inputs`` are the configured values of the case. During the first ``warmup_s`` of the load
    nothing is evaluated.
    """

    def __init__(
        self, expressions: Sequence[Expression], inputs: Values, warmup_s: float = 0.0
    ) -> None:
        self.found: Abort | None = None
        self._expressions = expressions
        self._inputs = inputs
        self._warmup_ns = round(warmup_s * NS_PER_S)

    def is_hopeless(self, pulse: Pulse, start_ns: int) -> bool:
        """Return whether an expression is true of the load, which began at ``start_ns``."""
        since_ns = time.monotonic_ns() - start_ns
        for each in self._expressions if since_ns >= self._warmup_ns else ():
            result = each.evaluate({**self._inputs, **live_values(pulse, each)})
            if result.passed:
                left, right = each.side_texts(result)
                since_s = round(since_ns / NS_PER_S, 3)
                self.found = Abort(expression=each.text, left=left, right=right, at_s=since_s)
                return True
        return False


def live_values(pulse: Pulse, expression: Expression) -> dict[str, float | None]:
    """Return the live figures by name, with the percentiles that ``expression`` names.

    A percentile is a lower bound: the lower end of its bucket, and messages that wait are in it
    with the time that they have waited so far.
    """
    values: dict[str, float | None] = {
        "acked": pulse.acked,
        "errors": pulse.errors,
        "failed": pulse.failed,
        "in_flight": pulse.sent - pulse.acked - pulse.failed,
        "sent": pulse.sent,
        "unsent": pulse.unsent,
    }
    for name in expression.value_names:
        share = live_share(name)
        if share is not None:
            least_ns = quantile_floor_ns(pulse.times, share)
            values[name] = None if least_ns is None else AtLeast(least_ns / NS_PER_S)
    return values
