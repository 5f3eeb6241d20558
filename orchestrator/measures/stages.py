"""What the time of a request is spent in: the names of the parts, and what each means."""

STAGES = {
    "schedule_lag": "due, and nothing was done for it: the client was late",
    "connection_wait": "due, and no connection of the pool was free",
    "connect": "establishing its connection",
    "accept_queue": "sent over a connection that the server had not accepted yet",
    "application_queue": "in the server's own queue: its connection, or it itself once read",
    "unread": "sent over an accepted connection, and not read by the server yet",
    "service": "in service",
    "answer": "from the end of service until its client had the ack",
    "unattributed": "in what the server's log does not tell",
}
"""In the order in which a request passes through them; see `orchestrator.analysis.breakdown`."""

MEASURES_OF_STAGES = {
    f"time_in_{stage}": f"mean part of response time: {meaning}"
    for stage, meaning in STAGES.items()
}
"""By name, what the mean of each is; together they are the mean response time."""
