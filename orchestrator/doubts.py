"""Why a case cannot be trusted as a measurement: what is missing, what does not add up."""

from collections.abc import Sequence

from orchestrator.evidence import Evidence
from orchestrator.records import ACKED, RequestRecord


def find_doubts(evidence: Evidence, requests: Sequence[RequestRecord]) -> list[str]:
    """Return why the case cannot be trusted as a measurement; nothing is better."""
    clients = evidence.clients
    doubts = [*evidence.log.gaps, *clients.gaps]
    planned = round(evidence.inputs["users"] * evidence.inputs["messages"])
    books = clients.books
    if books["sent"] + books["unsent"] != planned:
        doubts.append(
            f"{planned} messages planned, but {books['sent']} sent + {books['unsent']} unsent"
        )
    if books["sent"] != books["acked"] + books["failed"] + books["in_flight"]:
        doubts.append(
            f"{books['sent']} messages sent, but {books['acked']} acked + {books['failed']} "
            f"failed + {books['in_flight']} in flight"
        )
    unseen = sum(1 for r in requests if r.outcome == ACKED and r.finished_ns is None)
    if unseen and not evidence.log.gaps:
        doubts.append(f"{unseen} acks at the clients have no request_acked in the server's log")
    return doubts
