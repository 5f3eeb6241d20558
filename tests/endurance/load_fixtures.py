"""Clients that come and go, and record what each sent, what was acknowledged, and how it ended."""

import contextlib
import math
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.target import Client, Target

MAX_PIPELINE = 40


@dataclass
class Talk:
    """One connection as its client saw it; the first ``acked`` of ``sent`` were acknowledged.

    ``silent_s`` is how long the client took to connect and send, on a host that delays it.
    """

    sent: list[str] = field(default_factory=list)
    acked: int = 0
    was_reset: bool = False
    silent_s: float = math.inf

    @property
    def ids_acked(self) -> list[str]:
        """The messages that were acknowledged."""
        return self.sent[: self.acked]

    @property
    def lost(self) -> int:
        """The number of messages that the client must report as failed."""
        return len(self.sent) - self.acked


class Visitor(threading.Thread):
    """Opens one connection after another until the server has gone or `stop` is set."""

    def __init__(self, target: Target, number: int, seed: int) -> None:
        super().__init__(name=f"visitor {number}")
        self.talks: list[Talk] = []
        self.over = threading.Event()
        self._target = target
        self._number = number
        self._random = random.Random(f"{seed}.{number}")

    @property
    def acks(self) -> int:
        """The number of acknowledgements so far."""
        return sum(talk.acked for talk in self.talks)

    def run(self) -> None:
        """Open connections until the end."""
        while not self.over.is_set():
            begun_s = time.monotonic()
            try:
                client = self._target.connect()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:  # it was connected, but not for long
                self.talks.append(Talk(was_reset=True))
                continue
            with client:
                self._talk(client, begun_s)

    def _talk(self, client: Client, begun_s: float) -> None:
        talk = Talk()
        self.talks.append(talk)
        for message in range(self._random.randint(1, MAX_PIPELINE)):
            talk.sent.append(f"v{self._number}.c{len(self.talks)}.m{message}")
        demand_us = self._random.choice((0, 200, 1000, 3000))
        stream = b"".join(b"%s sleep=%dus\x03" % (m.encode(), demand_us) for m in talk.sent)
        try:
            client.send(stream + b"goodbye\x03")
            talk.silent_s = time.monotonic() - begun_s
            received = 0
            while segment := client.sock.recv(4096):
                assert segment.strip(b"ack") == b""
                received += len(segment)
                talk.acked = received // 3
        except (ConnectionResetError, BrokenPipeError):
            talk.was_reset = True
            talk.silent_s = min(talk.silent_s, time.monotonic() - begun_s)


@contextlib.contextmanager
def visitors(target: Target, count: int, seed: int = 0) -> Iterator[list[Visitor]]:
    """Run ``count`` visitors during the block; all have left on exit."""
    crowd = [Visitor(target, number, seed) for number in range(count)]
    for visitor in crowd:
        visitor.start()
    try:
        yield crowd
    finally:
        for visitor in crowd:
            visitor.over.set()
        for visitor in crowd:
            visitor.join()
