"""What was changed at the controls, in the words of a sentence."""

from collections.abc import Callable, Iterator, Mapping

from orchestrator.explore.play.causes import ms_text
from orchestrator.explore.play.controls import CHOICES, SLIDERS, Controls
from orchestrator.measures.sentences import counted, joined

_NUMBERS: Mapping[str, Callable[[int], str]] = {
    "workers": lambda value: counted(value, "workers"),
    "users": lambda value: counted(value, "users"),
    "messages": lambda value: f"{counted(value, 'messages')} of each user",
    "rate_per_s": lambda value: f"{counted(value, 'arrivals')} per second",
    "seconds": lambda value: f"arrivals for {value} s",
    "service_ms": lambda value: f"a service time of {ms_text(value)}",
    "think_ms": lambda value: f"a think time of {ms_text(value)}" if value else "no think time",
    "backlog": lambda value: f"a backlog of {value}",
    "long_ms": lambda value: f"a long message of {ms_text(value)}" if value else "no long message",
    "silent_ms": lambda value: (
        f"a client that is silent for {ms_text(value)}" if value else "no silent client"
    ),
}
_WORDS = {
    "users": "users",
    "rate": "arrivals",
    "sleep": "a service that waits",
    "cpu": "a service that computes",
}
_WORDS_OF = {
    "variability": {
        "constant": "constant service times",
        "exponential": "exponential service times",
        "higher": "service times that vary more than exponential ones",
    },
    "arrivals": {"constant": "arrivals at equal distances", "poisson": "random arrivals"},
}


def change_text(new: Controls, old: Controls) -> str:
    """Return what differs: ``6 users instead of 5 users``; empty if nothing does that counts."""
    return joined(found) if (found := list(_changes(new, old))) else ""


def _changes(new: Controls, old: Controls) -> Iterator[str]:
    if new.models != old.models:
        yield " beside ".join(new.models)
    for control in (*SLIDERS, *CHOICES):
        counts = not control.load or (control.load == new.load == old.load)
        now, before = (getattr(each, control.name) for each in (new, old))
        if counts and now != before:
            yield f"{_text(control.name, now)} instead of {_short(control.name, before)}"


def _text(name: str, value: str | int) -> str:
    if isinstance(value, int):
        return _NUMBERS[name](value)
    return _WORDS_OF.get(name, _WORDS)[value]


def _short(name: str, value: str | int) -> str:
    """Return a value before: without its noun, which the value after it has."""
    if isinstance(value, str):
        return _text(name, value)
    if not value:
        return "none"
    return (
        ms_text(value) if name.endswith("_ms") else f"{value} s" * (name == "seconds") or f"{value}"
    )
