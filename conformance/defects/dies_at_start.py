"""Runs the server in its argument with a defect: each worker process exits when it starts."""

import os
import runpy
import sys

from labkit.server.service import Service

if __name__ == "__main__":
    setattr(Service, "become_worker", lambda _service: os._exit(7))  # noqa: B010
    runpy.run_module(sys.argv[1], run_name="__main__")
