"""Whatever a server or a client reports within the bounds of the schemas, the analysis ends."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.analysis.analyse import analyse
from orchestrator.results.server_log import read_server_log
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    STOPPED,
    Sent,
    accepted,
    dequeued,
    evidence,
    listening,
    replica,
    served,
)

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 2**64),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([0, 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**63, 10**400, "1.1", [], {}]),
)
EVENTS: list[dict[str, Any]] = [
    {"event": "started", "t_ns": 1},
    dict(listening()),
    dict(accepted("0.0", 1, 1, 40_000)),
    dict(dequeued("0.0", 1, 2)),
    dict(served(0, 1, 1, 101)),
    dict(served(1, 1, 101, 201)),
    {"event": "drain_begun", "t_ns": 5, "accept_queue_reset": 1, "signal": "SIGTERM"},
    {"event": "worker_exited", "t_ns": 5, "index": 1, "peak_memory_bytes": 9, "reason": "?"},
    {**STOPPED, "counts": {"listening": 1}},
]
Lines = list[tuple[dict[str, Any], dict[str, Any]]]
FIELDS = sorted({field for event in EVENTS for field in event} - {"event"})


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from(FIELDS), VALUES)),
        max_size=8,
    ),
    st.binary(max_size=40),
)
def test_any_log_is_analysed(
    lines: list[tuple[dict[str, Any], dict[str, Any]]], tail: bytes
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "server.log"
        text = "".join(json.dumps({**event, **changes}) + "\n" for event, changes in lines)
        path.write_bytes(text.encode() + tail)
        log = read_server_log(path)
    told = evidence([replica(0, [Sent(0, 1, 101), Sent(1, 1, 201)])], [], log=log)
    analyse(told)
