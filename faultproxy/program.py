"""The proxy as a program: settings from the environment, signals, exit codes."""

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Mapping

from faultproxy.proxy import Proxy
from faultproxy.settings import Settings, SettingsError
from labkit.signals import set_signals

OK, FAILED, MISUSED = 0, 1, 2


def main(environ: Mapping[str, str] = os.environ) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code."""
    set_signals({})  # asyncio sets those that end it
    try:
        settings = Settings.from_env(environ)
    except SettingsError as exc:
        return _fail(str(exc), MISUSED)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # two descriptors a connection
    return asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> int:
    ended = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, ended.set)
    proxy = Proxy(settings)
    try:
        await proxy.open()
    except (OSError, UnicodeError) as exc:  # UnicodeError: not a valid DNS name
        return _fail(f"cannot listen on {settings.host}: {exc}", FAILED)
    await ended.wait()
    proxy.close()
    return OK


def _fail(text: str, code: int) -> int:
    sys.stderr.writelines(f"faultproxy: {line}\n" for line in text.splitlines())
    return code
