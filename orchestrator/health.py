"""Whether the measuring instrument, rather than the server, set the figures of a run.

The rules, and why these:

- A replica that used 90% of a core or more, over half a second or longer, had no time left to be
  late in: whatever came faster, it could not have seen. It was the **bottleneck**. A client that is
  kept from its core by others has a lower share; that shows as lag.
- Lag is an error of what is measured, for what is taken up late is sent late or thought too long.
  A 99th percentile above 10 ms and above a fifth of the 99th percentile of response time distorts
  that figure beyond use: **bottleneck**. Above 1 ms and a tenth of the median, somebody should know:
  **strained**.
- The 99th percentile of fewer than `MIN_LAGS` lags is their maximum, one hiccup of the host; no
  verdict rests on it.
"""

from collections.abc import Callable, Mapping, Sequence

from orchestrator.client_measures import Figures
from orchestrator.collect import Replica
from orchestrator.dimensions import TIME, format_value
from orchestrator.summary import Fitness, Instrument

FULL_CPU_SHARE = 0.9
MIN_WINDOW_S = 0.5
MIN_LAGS = 200
DISTORTING_LAG_S, DISTORTING_PART = 0.010, 0.20
NOTABLE_LAG_S, NOTABLE_PART = 0.001, 0.10


def examine(
    replicas: Sequence[Replica], groups: Mapping[str, Figures], dropped: float
) -> Instrument:
    """Return how the clients fared; ``groups`` are the figures of each replica's group by name."""
    ...
