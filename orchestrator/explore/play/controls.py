"""The controls of Play: what each may be set to, and the values that somebody chose.

Values come from a page, so each is checked as strictly as a key of a scenario.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from orchestrator.measures.hints import listed, quote, unknown

USERS, RATE = "users", "rate"
LOADS = (USERS, RATE)
SLEEP, CPU = "sleep", "cpu"
WORKS = (SLEEP, CPU)
CONSTANT, EXPONENTIAL, HIGHER = "constant", "exponential", "higher"
VARIABILITIES = (CONSTANT, EXPONENTIAL, HIGHER)
POISSON = "poisson"
ARRIVALS = (CONSTANT, POISSON)
MAX_MODELS = 2


class ControlsError(ValueError):
    """The values are no controls; ``problems`` say what is wrong where, and what is allowed."""

    def __init__(self, problems: Collection[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True)
class Slider:
    """A whole number from the first of ``stops`` to the last; ``unit`` is empty for a count.

    The slider stops at these, a scenario may have any between. ``title`` is what the page calls it,
    ``meaning`` how the page explains it. ``load``: only this kind of load has it, empty for both.
    """

    name: str
    title: str
    meaning: str
    stops: tuple[int, ...]
    unit: str = ""
    load: str = ""

    @property
    def low(self) -> int:
        """The least value."""
        return self.stops[0]

    @property
    def high(self) -> int:
        """The greatest value."""
        return self.stops[-1]


@dataclass(frozen=True)
class Choice:
    """One of ``values``, each with the words of the page for it; explained as a `Slider` is."""

    name: str
    title: str
    meaning: str
    values: Mapping[str, str]
    load: str = ""


_DURATIONS_MS = (1, 2, 5, 10, 20, 30, 50, 75, *range(100, 501, 50), *range(600, 2001, 100))
_LONG_MS = (0, 50, 100, 200, 300, 500, 750, *range(1000, 10_001, 500))
MODELS_MEANING = (
    "A model is a way to serve many connections with processes, threads or a loop. A second one "
    "beside it gets the same load."
)
SLIDERS = (
    Slider(
        "workers",
        "workers",
        "The processes or threads that serve. Event loops of one thread have no use for them, nor "
        "have models that start a worker for each connection.",
        tuple(range(1, 33)),
    ),
    Slider(
        "users",
        "users",
        "Clients that connect at the same time. Each sends a message, waits for its ack, and sends "
        "the next.",
        (*range(1, 31), *range(35, 201, 5)),
        load=USERS,
    ),
    Slider(
        "messages",
        "messages of each user",
        "A user sends them one after another over its connection, which it then closes.",
        (*range(1, 21), 30, 40, 50),
        load=USERS,
    ),
    Slider(
        "rate_per_s",
        "arrivals per second",
        "Clients with one message each, which come whether or not those before are answered.",
        (*range(1, 31), *range(35, 201, 5)),
        "/s",
        RATE,
    ),
    Slider(
        "seconds",
        "duration of the arrivals",
        "For how long clients come.",
        tuple(range(1, 11)),
        "s",
        RATE,
    ),
    Slider(
        "service_ms",
        "service time of a message",
        "How long a worker or the loop needs for one message, if nothing else is in the way.",
        _DURATIONS_MS,
        "ms",
    ),
    Slider(
        "think_ms",
        "think time of a user",
        "How long a user waits after an ack before it sends again. Its connection stays open.",
        (0, *_DURATIONS_MS),
        "ms",
        USERS,
    ),
    Slider(
        "backlog",
        "backlog",
        "Connections that the server has not accepted yet wait in the kernel, in the accept "
        "queue. It holds one more than the backlog. A connect that finds it full is tried again "
        "after 1 s.",
        (*range(1, 11), 16, 32, 64, 128, 256, 512, 1024, 2048, 4096),
    ),
    Slider(
        "long_ms",
        "one long message",
        "Another client comes 50 ms before all others. Its only message takes so long to serve.",
        _LONG_MS,
        "ms",
    ),
    Slider(
        "silent_ms",
        "one silent client",
        "Another client connects 50 ms before all others, sends nothing, and closes after so long.",
        _LONG_MS,
        "ms",
    ),
)
CHOICES = (
    Choice(
        "load",
        "load",
        "Users wait for their acks, so a slow server gets fewer messages. Arrivals come at their "
        "rate however slow it is.",
        {USERS: "users that wait for each ack", RATE: "arrivals that wait for nobody"},
    ),
    Choice(
        "work",
        "service",
        "A message that waits, as for a disk, needs no CPU. Messages that compute share the CPUs.",
        {SLEEP: "waits, as on I/O", CPU: "computes"},
    ),
    Choice(
        "variability",
        "service times",
        "Constant: all messages take the same time. Exponential: many take less than the mean, a "
        "few much more. More variable: even fewer take even more.",
        {CONSTANT: "constant", EXPONENTIAL: "exponential", HIGHER: "more variable"},
    ),
    Choice(
        "arrivals",
        "arrivals",
        "Random arrivals come in bunches and with gaps, as those of independent clients do.",
        {CONSTANT: "at equal distances", POISSON: "random"},
        RATE,
    ),
)


@dataclass(frozen=True)
class Controls:
    """What somebody chose; units are in the names.

    ``models`` are one or two, side by side. ``users`` and what belongs to them count if ``load`` is
    `USERS`, ``rate_per_s`` and what belongs to it otherwise. ``long_ms`` is the service time of
    one long message that another client sends before all others, ``silent_ms`` how long a client
    stays connected that sends nothing; 0: there is none.
    """

    models: tuple[str, ...]
    workers: int = 5
    load: str = USERS
    users: int = 6
    messages: int = 2
    rate_per_s: int = 20
    seconds: int = 2
    arrivals: str = POISSON
    work: str = SLEEP
    service_ms: int = 100
    variability: str = CONSTANT
    think_ms: int = 0
    backlog: int = 128
    long_ms: int = 0
    silent_ms: int = 0

    @classmethod
    def parse(cls, data: object, known_models: Collection[str]) -> "Controls":
        """Return the controls in ``data``, a map as `as_data` returns it; a default may be absent.

        Raises:
            ControlsError: with every problem.
        """
        if not isinstance(data, Mapping):
            raise ControlsError([f"{quote(str(data))} is not a map of controls"])
        names = [each.name for each in fields(cls)]
        problems = [unknown("control", str(key), names) for key in data if key not in names]
        problems += _problems(data, known_models)
        if problems:
            raise ControlsError(problems)
        return cls(**{**data, "models": tuple(data["models"])})

    def as_data(self) -> dict[str, Any]:
        """Return a map that `parse` takes, of values that JSON has."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**plain, "models": list(self.models)}

    def with_value(self, name: str, value: object) -> "Controls":
        """Return the same controls with another value of one, which is allowed."""
        changed: dict[str, Any] = {name: value}
        return replace(self, **changed)

    @property
    def is_open(self) -> bool:
        """Whether arrivals are the load, otherwise users are."""
        return self.load == RATE

    @property
    def nouns(self) -> str:
        """What the load consists of."""
        return "arrivals" if self.is_open else "users"


def _problems(data: Mapping[Any, Any], known_models: Collection[str]) -> Iterator[str]:
    yield from _models_problems(data.get("models"), known_models)
    for slider in SLIDERS:
        if slider.name in data:
            yield from _number_problems(slider, data[slider.name])
    for choice in CHOICES:
        value = data.get(choice.name, next(iter(choice.values)))
        if not isinstance(value, str) or value not in choice.values:
            shown = quote(str(value))
            yield f"{choice.name}: {shown} is not known; allowed: {listed(choice.values)}"


def _number_problems(slider: Slider, value: object) -> Iterator[str]:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if is_whole and slider.low <= int(str(value)[:20]) <= slider.high:
        return
    what = "is out of range" if is_whole else "is not a whole number"
    allowed = f"a whole number from {slider.low} to {slider.high}"
    yield f"{slider.name}: {quote(str(value)[:40])} {what}; allowed: {allowed}"


def _models_problems(models: object, known: Collection[str]) -> Iterator[str]:
    if not isinstance(models, list | tuple) or not 1 <= len(models) <= MAX_MODELS:
        yield f"models: {quote(str(models)[:80])} is not a list of one or two models"
        return
    for number, model in enumerate(models):
        if not isinstance(model, str) or model not in known:
            yield f"models: {unknown('model', str(model), known)}"
        elif model in models[:number]:
            yield f"models: {model} is there twice; choose another, or one alone"
