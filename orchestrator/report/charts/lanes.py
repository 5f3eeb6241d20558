"""The timeline of one case: a lane for each worker, one for each connection, and the queues.

Geometry only, in units of the time axis that all timelines of a page share; a template draws it
and the script zooms it. Bars are strokes of one path, so that thousands of them are few elements.
`lane_table` has the lanes in numbers; `pointing` is what the script shows for a message.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import ACKED_TEXT, Excerpt, RequestRecord, assign_rows
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.charts.plot import Subject, TextTable
from orchestrator.report.charts.queues import DepthRow, depth_rows
from orchestrator.report.charts.stages import LANE_STAGES, SERVICE, spans
from orchestrator.report.charts.time_axis import HUES, Units
from orchestrator.report.escape import visible
from orchestrator.report.text import fault_name

CONNECTIONS_HEIGHT = 360
CONNECTION_HEIGHTS = (3, 16)
WORKER_HEIGHTS = (14, 96)
ROW_HEIGHT = 5
WORKERS_SHOWN = 16
LABEL_HEIGHT = 12
SECTION_GAP = 26
"""Above each kind of lanes, for its heading."""

MAX_ROWS = 48
"""Of a worker's lane; more could not be told apart, so spans then share rows."""

TABLE_ROWS = 16
def pointing(drawn: Timeline, requests: Sequence[RequestRecord]) -> dict[str, object]:
    """Return the lanes of ``drawn``, and its messages as small numbers, for the script.

    Names are made printable here. The script writes them as text, so markup in them is harmless.
    """
    lane_of = {lane.name: number for number, lane in enumerate(drawn.connections)}
    outcomes = list(dict.fromkeys(request.outcome for request in requests))
    return {
        "columns": len(COLUMNS),
        "workers": [[lane.y, lane.height, visible(lane.name)] for lane in drawn.workers],
        "connections": [[lane.y, lane.height, visible(lane.name)] for lane in drawn.connections],
        "outcomes": [visible(outcome.replace("_", " ")) for outcome in outcomes],
        "messages": [
            number
            for request in requests
            for number in _numbers(request, lane_of[request.user], outcomes.index(request.outcome))
        ],
    }


def _numbers(request: RequestRecord, lane: int, outcome: int) -> Iterator[int]:
    yield from (lane, request.message, request.worker or 0, outcome, request.due_ns // 1000)
    instants_ns = (request.sent_ns, request.accepted_ns, request.started_ns, request.finished_ns)
    for instant_ns in (*instants_ns, request.ended_ns):
        yield -1 if instant_ns is None else max((instant_ns - request.due_ns) // 1000, 0)
