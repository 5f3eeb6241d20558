"""A server as a program: settings in, exit code out."""

import os
import signal
import sys
from collections.abc import Callable

from labkit.listener import ListenError
from labkit.service import Service
from labkit.settings import Settings, SettingsError


def main(model: str, serve: Callable[[Service], None]) -> None:
    """Run the server ``model`` as a program: read the settings, serve until drained, stop."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback for a Ctrl-C while starting
    try:
        service = Service(model, Settings.from_env(os.environ))
    except SettingsError as exc:
        for line in str(exc).splitlines():
            sys.stderr.write(f"{model}: {line}\n")
        sys.exit(2)
    except ListenError as exc:
        sys.stderr.write(f"{model}: {exc}\n")
        sys.exit(1)
    service.install_signal_handlers()
    serve(service)
    service.stop()
    if service.failure:
        sys.stderr.write(f"{model}: {service.failure}\n")
        sys.exit(1)
