"""Random bytes into the framing, the session and the settings, checked by a second parser.

This runs many more inputs than hypothesis, which finds small examples in `tests/unit/labkit`.
"""

import random
import re
from itertools import pairwise

import pytest

from labkit.protocol.framing import Framer
from labkit.protocol.parsing import DurationError, parse_duration_s
from labkit.protocol.session import Limits, Request, Session
from labkit.protocol.work import Demand, demand_of
from labkit.server.settings import Settings, SettingsError

DEFAULT = Demand("sleep", 2.0)
LIMITS = Limits(DEFAULT, max_message_bytes=24, max_service_time_s=60.0)
PIECES = [
    b"\x03", b"\x03", b"\x03", b"a", b"id", b" ", b"\t", b"goodbye", b"good", b"bye", b" sleep=1ms",
    b" cpu=5us", b"sleep=", b"cpu=", b"99", b"1.5", b"60s", b"61s", b"m", b"ms", b"\x80", b"\xff",
    b"\x00", b"\n", b"x" * 12, b"x" * 25, b"-", b".", b"=", b"1m1s", b"+", b"+cpu=5us",
    b"+sleep=9s",
]  # fmt: skip
DURATION = re.compile(r"\A\d{1,20}(\.\d{1,20})?(us|ms|s|m)\Z", re.ASCII)
UNIT_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
VARIABLES = re.findall(
    r"\w+",
    "HOST PORT BACKLOG WORKERS WORK SERVICE_TIME MAX_MESSAGE_BYTES MAX_SERVICE_TIME IDLE_TIMEOUT "
    "DRAIN_TIMEOUT BLOCKING_SLEEP LOG_FORMAT LOG_LEVEL READY_FILE WORKER PROT TARGET",
)
TEXTS = re.findall(
    r"\S+",
    "0 1 5 65535 65536 -1 1e3 0x10 ٣ sleep cpu json text trace off 0s 1s 100ms 1.5s 61s 2m 1d s ms "
    "lifecycle connections debug yes 4096 99999999999999999999 \x00 LAB_ % {} ' \" é",
)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_random_input_is_handled(is_long: bool) -> None:
    inputs = 1_200_000 if is_long else 15_000
    chance = random.Random(inputs)
    for number in range(inputs):
        (_try_stream, _try_stream, _try_duration, _try_settings)[number % 4](chance)
    print(f"\n{inputs} inputs: {inputs // 2} streams, {inputs // 4} durations, as many settings")


def _try_stream(chance: random.Random) -> None:
    """Check that the framer, the session and this test read a stream alike, however it is cut."""
    stream = b"".join(chance.choices(PIECES, k=chance.randint(0, 14)))
    cuts = sorted(chance.randint(0, len(stream)) for _ in range(chance.randint(0, 6)))
    edges = [0, *cuts, len(stream)]
    segments = [stream[low:high] for low, high in pairwise(edges)]
    framer, session = Framer(), Session(LIMITS)
    messages: list[bytes] = []
    requests: list[Request] = []
    for segment in filter(None, segments):
        framer.receive(segment)
        session.receive(segment, 0)
        if chance.random() < 0.7:
            messages += iter(framer.next_message, None)
            requests += iter(session.next_request, None)
    session.receive(b"", 0)
    messages += iter(framer.next_message, None)
    requests += iter(session.next_request, None)
    assert [*messages, framer.tail] == stream.split(b"\x03"), stream
    assert session.end is not None, stream
    expected, ends_well = _second_opinion(stream)
    assert [(request.id, request.demand) for request in requests] == expected, stream
    assert session.end.failed != ends_well, (stream, session.end)


def _second_opinion(stream: bytes) -> tuple[list[tuple[str, Demand]], bool]:
    """Return the messages of ``stream`` to be served, and whether it ends properly."""
    *messages, tail = stream.split(b"\x03")
    served: list[tuple[str, Demand]] = []
    for message in messages:
        if message == b"goodbye":
            return served, True
        if len(message) > LIMITS.max_message_bytes or max(message, default=0) > 127:
            return served, False
        words = message.decode().split()
        demand = DEFAULT
        if len(words) > 1 and re.match("(sleep|cpu)=", words[1]):
            parts = [_second_opinion_of_part(part) for part in words[1].split("+")]
            if None in parts or sum(part[1] for part in parts if part) > LIMITS.max_service_time_s:
                return served, False
            demand = demand_of(tuple(Demand(*part) for part in parts if part))
        served.append((words[0] if words else "", demand))
    return served, not tail


def _second_opinion_of_part(text: str) -> tuple[str, float] | None:
    kind, _, duration = text.partition("=")
    duration_s = _second_opinion_s(duration)
    return None if kind not in ("sleep", "cpu") or duration_s is None else (kind, duration_s)


def _second_opinion_s(text: str) -> float | None:
    if not DURATION.match(text):
        return None
    unit = text.lstrip("0123456789.")
    return float(text.removesuffix(unit)) * UNIT_S[unit]


def _try_duration(chance: random.Random) -> None:
    text = "".join(chance.choices("0123456789.umsS -+e٣\n", k=chance.randint(0, 8)))
    try:
        duration_s: float | None = parse_duration_s(text)
    except DurationError as exc:
        duration_s = None if len(str(exc)) < 200 else -1  # a message must be short enough to read
    assert duration_s == _second_opinion_s(text), text


def _try_settings(chance: random.Random) -> None:
    """Any environment gives settings in range, or a line for each problem."""
    names = chance.choices(VARIABLES, k=chance.randint(1, 5))
    environ = {
        f"LAB_{name}": "".join(chance.choices(TEXTS, k=chance.choice((1, 1, 1, 2, 40))))
        for name in names
    }
    try:
        settings = Settings.from_env(environ)
    except SettingsError as exc:
        lines = str(exc).splitlines()
        assert 0 < len(lines) <= len(environ), environ
        for line in lines:
            assert re.match(r"LAB_[A-Z_]+: ", line), environ
            assert len(line) < 400, environ
    else:
        assert 0 <= settings.port <= 65_535, environ
        assert 1 <= settings.workers <= 1024, environ
        assert settings.service_time_s <= settings.max_service_time_s, environ
        assert settings.drain_timeout_s > 0, environ
