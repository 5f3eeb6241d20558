"""What a server changes in its process, for tests that run one inside the test's process."""

import json
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labkit.server.service import LEAVE, RELOAD, SIGNALS, Service
from labkit.server.settings import Settings


@contextmanager
def kept_signals() -> Iterator[None]:
    """Restore the handlers of the signals that a server handles, and which are blocked."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    before = {signum: signal.getsignal(signum) for signum in (*SIGNALS, RELOAD, LEAVE)}
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def no_descriptor_is_left() -> Iterator[None]:
    """Let this process open no further descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def quick_service(model: str = "tested") -> Iterator[Service]:
    """Yield a service that listens and serves in no time; close it and restore the signals."""
    settings = Settings(host="127.0.0.1", port=0, log_format="json", service_time_s=0.0)
    started = Service(model, settings)
    with kept_signals(), started.listener:
        yield started


@contextmanager
def parent_service(**own: int | str) -> Iterator[Service]:
    """Yield a service that listens and may block its signals; close it and restore these."""
    settings = Settings(host="127.0.0.1", port=0, log_format="json", own=own)
    started = Service("tested", settings)
    with started.listener, kept_signals():
        yield started


def events_in(text: str) -> list[dict[str, Any]]:
    """Return the lines of a log in JSON, without the first, which must be `started`."""
    started, *events = [json.loads(line) for line in text.splitlines()]
    assert started["event"] == "started"
    return events
