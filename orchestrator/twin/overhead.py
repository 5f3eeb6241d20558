"""What a message and a connection cost beside the demand: the one thing that no theory tells."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Overhead:
    """Durations in ns, the same for every message or connection of a case.

    Of a message: ``request_ns`` from the send call until a server that waits for it begins to
    serve; ``service_ns`` how much longer a service takes than its demand; ``answer_ns`` from the
    end of service until the client knows; ``turn_ns`` how long an event loop is busy with it, and
    with a connection that it accepts; ``resume_ns`` the same of a message that blocked the loop.

    Of a connection: ``connect_ns`` from the call until it is established; ``accept_ns`` from then
    until it is taken, where somebody is free to; ``turnover_ns`` from its client's last ack until
    its worker takes the next that waits; ``switch_ns`` how much longer these two are while another
    thread computes under the same interpreter lock.
    """

    request_ns: int = 0
    service_ns: int = 0
    answer_ns: int = 0
    turn_ns: int = 0
    resume_ns: int = 0
    connect_ns: int = 0
    accept_ns: int = 0
    turnover_ns: int = 0
    switch_ns: int = 0


NONE = Overhead()
TYPICAL = Overhead(
    request_ns=100_000,
    service_ns=100_000,
    answer_ns=200_000,
    turn_ns=40_000,
    resume_ns=150_000,
    connect_ns=200_000,
    accept_ns=100_000,
    turnover_ns=250_000,
    switch_ns=15_000_000,
)
"""Of two cores of a cloud, in the order of magnitude; a run calibrates its own.

A thread that comes back from a call of the kernel waits for the interpreter lock until the one that
computes is made to give it up, after 5 ms (`sys.getswitchinterval`); a turnover takes some three.
"""
