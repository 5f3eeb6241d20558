"""A list of CPUs as the kernel writes it (cpuset(7), list format): ``0``, ``0-3``, ``0-2,6``."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, Field

from orchestrator.measures.hints import quote
from orchestrator.scenario.fields import describe, invalid_value

MAX_CPU = 1023
"""The last CPU of the kernel's cpu_set_t, sched_setaffinity(2)."""

_RANGE = "[0-9]{1,4}(?:-[0-9]{1,4})?"
_LIST = f"{_RANGE}(?:,{_RANGE}){{0,255}}"
_FORM = f"write the numbers of CPUs, 0 to {MAX_CPU}, e.g. 0, 0-3 or 0-2,6"


def parse_cpu_list(written: int | str) -> tuple[int, ...]:
    """Return the numbers of the CPUs in ``written``, which was checked, each once, ascending."""
    found: set[int] = set()
    for each in str(written).split(","):
        first, _, last = each.partition("-")
        found |= {*range(int(first), int(last or first) + 1)}
    return tuple(sorted(found))


def cpu_list_text(cpus: Iterable[int]) -> str:
    """Return the shortest list of ``cpus``: ``0-2,6``."""
    parts: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1][1:] = [cpu]
        else:
            parts.append([cpu])
    return ",".join("-".join(map(str, each)) for each in parts)


def _check(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise invalid_value(f"{describe(value)}; {_FORM}")
    text = str(value)
    if not re.fullmatch(_LIST, text) or not text.isascii():
        what = describe(value) if isinstance(value, int) else f"{quote(text)} is no list of CPUs"
        raise invalid_value(f"{what}; {_FORM}")
    cpus = parse_cpu_list(text)
    if any("-" in each and not parse_cpu_list(each) for each in text.split(",")):
        raise invalid_value(f"{quote(text)} has a range that ends before it begins; {_FORM}")
    if cpus[-1] > MAX_CPU:
        raise invalid_value(f"CPU {cpus[-1]} is out of range; {_FORM}")
    return value


_Number = Annotated[int, Field(ge=0, le=MAX_CPU)]
_Text = Annotated[str, Field(pattern=f"^{_LIST}$")]

CpuList = Annotated[int | str, BeforeValidator(_check, json_schema_input_type=_Number | _Text)]
"""Numbers of CPUs, kept as they are written."""
