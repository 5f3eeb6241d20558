"""A client of `asyncio.Protocol`s, one a user."""

import asyncio
import sys
import time
from array import array
from typing import cast

from benchmarks.clients.result import Account

ACK = b"ack"


class User(asyncio.Protocol):
    """One connection with one message in flight, and its samples."""

    def __init__(self, number: int, messages: int) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self.samples = array("Q")  # sent, acknowledged, sent, ...
        self._number = number
        self._left = messages

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first message."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Record the ack and send the next message, if there is one."""
        if data != ACK:
            self.done.set_exception(ValueError(f"not an ack: {data!r}"))
            return
        self.samples.append(time.monotonic_ns())
        self._left -= 1
        if self._left:
            self._send()
        else:
            self.done.set_result(None)

    def _send(self) -> None:
        self.samples.append(time.monotonic_ns())
        self._transport.write(b"r0.c%d.m%d\x03" % (self._number, self._left))


async def main(port: int, users: int, messages: int) -> None:
    """Run the load and print its figures."""
    loop = asyncio.get_running_loop()
    account = Account()
    connected = [
        await loop.create_connection(
            lambda number=number: User(number, messages),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        for number in range(users)
    ]
    await asyncio.gather(*(user.done for _, user in connected))
    account.say(sum(len(user.samples) // 2 for _, user in connected))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
