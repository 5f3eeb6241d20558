"""The stages of a request, which together make up its response time."""

STAGES = {
    "schedule_lag": "due, but not yet sent because the client was late",
    "connection_wait": "due, but no connection of the pool was free",
    "connect": "establishing the connection",
    "accept_queue": "sent, but the server had not yet accepted the connection",
    "application_queue": "in the server's own queue, as a connection or as a message",
    "unread": "sent on an accepted connection, but not yet read by the server",
    "service": "in service",
    "answer": "from the end of service until the client had the ack",
    "unattributed": "not attributable from the server's log",
}
"""In the order in which a request passes through them; see `orchestrator.analysis.breakdown`."""

MEASURES_OF_STAGES = {
    f"time_in_{stage}": f"mean part of response time: {meaning}"
    for stage, meaning in STAGES.items()
}
"""Name and meaning of the mean of each stage; their sum is the mean response time."""
