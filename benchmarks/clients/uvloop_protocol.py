"""The client of `asyncio_protocol` on uvloop, a loop in C."""

import sys

import uvloop

from benchmarks.clients.asyncio_protocol import main

if __name__ == "__main__":
    uvloop.run(main(*map(int, sys.argv[1:])))
