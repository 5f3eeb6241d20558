"""The protocol of `asyncio_protocol` on uvloop, a loop in C."""

import uvloop

from benchmarks.peers.asyncio_protocol import main

if __name__ == "__main__":
    uvloop.run(main())
