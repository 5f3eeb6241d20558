"""A server as a program: reads the settings, serves, and exits with a code."""

import os
import signal
import sys
from collections.abc import Callable, Sequence

from labkit.server.limits import lack_of_descriptors
from labkit.server.listener import ListenError
from labkit.server.service import SIGNALS, Service
from labkit.server.settings import Own, Settings, SettingsError
from labkit.server.stream import report
from labkit.signals import set_signals

STDERR = 2


def main(model: str, serve: Callable[[Service], None], own: Sequence[Own] = ()) -> None:
    """Run the server ``model``: read the settings, also its ``own``, serve until drained, exit.

    The exit code is 0 after a drain, 1 after a failure, 2 if a setting is invalid.
    """
    at_start = dict.fromkeys(SIGNALS, signal.SIG_DFL)  # no traceback for a Ctrl-C
    set_signals(at_start)
    _occupy_standard_streams()
    try:
        service = Service(model, Settings.from_env(os.environ, own))
        # A handler that closed the listener while a model starts would be one case more for each.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until `Service.listening`
        service.install_signal_handlers()
        serve(service)
    except SettingsError as exc:
        for line in str(exc).splitlines():
            report(model, line)
        sys.exit(2)
    except ListenError as exc:
        report(model, str(exc))
        sys.exit(1)
    except OSError as exc:
        if not (lack := lack_of_descriptors(exc)):
            raise
        report(model, f"cannot serve: {lack}")
        sys.exit(1)
    service.stop()
    if service.failure:
        report(model, service.failure)
        sys.exit(service.exit_code)


def _occupy_standard_streams() -> None:
    """Open standard streams that the caller closed; else a client's socket could become stdout."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(fd)
