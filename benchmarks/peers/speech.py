"""What all peers share: the protocol, and the line that reports where they listen."""

import sys

ETX = b"\x03"
ACK = b"ack"
GOODBYE = b"goodbye"
HOST = "127.0.0.1"
BACKLOG = 1024
RECV_BYTES = 16_384


class Speech:
    """One connection's side of the protocol: bytes in, acknowledgements out."""

    __slots__ = ("is_over", "tail")

    def __init__(self) -> None:
        self.tail = b""
        self.is_over = False

    def answer(self, segment: bytes) -> bytes:
        """Return the acknowledgements for ``segment``; `is_over` after a ``goodbye``."""
        *messages, self.tail = (self.tail + segment).split(ETX)
        if GOODBYE in messages:
            self.is_over = True
            del messages[messages.index(GOODBYE) :]
        return ACK * len(messages)


def say_listening(port: int) -> None:
    """Report that clients can connect, as the servers of the lab do."""
    sys.stdout.write(f'{{"event":"listening","port":{port}}}\n')
    sys.stdout.flush()
