"""A server as a program: settings in, exit code out."""

import os
import signal
import sys
from collections.abc import Callable

from labkit.server.listener import ListenError
from labkit.server.service import Service
from labkit.server.settings import Settings, SettingsError

STDERR = 2


def main(model: str, serve: Callable[[Service], None]) -> None:
    """Run the server ``model`` as a program: read the settings, serve until drained, stop."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback for a Ctrl-C while starting
    _occupy_standard_streams()
    try:
        service = Service(model, Settings.from_env(os.environ))
        service.install_signal_handlers()
        serve(service)
    except SettingsError as exc:
        for line in str(exc).splitlines():
            sys.stderr.write(f"{model}: {line}\n")
        sys.exit(2)
    except ListenError as exc:
        sys.stderr.write(f"{model}: {exc}\n")
        sys.exit(1)
    service.stop()
    if service.failure:
        sys.stderr.write(f"{model}: {service.failure}\n")
        sys.exit(1)


def _occupy_standard_streams() -> None:
    """Open what the caller closed: else a client's socket becomes 1, and the log goes to it."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(fd)
