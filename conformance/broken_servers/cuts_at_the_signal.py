"""Exits at the signal and drops what is in service."""

import os
import signal

from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_drain.test_what_is_in_service_is_finished_and_acked"
BECAUSE = r"assert b'' == b'ack'"


def serve(service: Service) -> None:
    """Serve until the signal, without a drain."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
