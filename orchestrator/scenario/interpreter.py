"""The key ``interpreter`` of a scenario: the Python that runs the lab's servers.

It is a version, ``3.13``, with a ``t`` that of a free-threaded build, ``3.13t``, which has no
interpreter lock; or, for containers, a base image with a Python.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from orchestrator.measures.hints import quote
from orchestrator.scenario.fields import describe, invalid_value
from orchestrator.scenario.server import Section
from orchestrator.scenario.versions import VERSION

OLDEST, OLDEST_FREE_THREADED = (3, 11), (3, 13)
_FORM = (
    "write a version, e.g. 3.13 or 3.13t (free-threaded), or a base image, e.g. python:3.14-slim"
)
_PART = r"[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*"
_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?"
_TAG, _DIGEST = r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", r"@sha256:[0-9a-f]+"
_IMAGE = re.compile(
    rf"(?=[^:/@]+[:/@])(?!.{{201}})(?:{_HOST}/)?{_PART}(?:/{_PART})*(?:{_TAG})?(?:{_DIGEST})?"
)
"""The name of an image with a registry, a tag or a digest; reference.go of distribution."""

_EITHER = f"^(?:{VERSION.pattern}|{_IMAGE.pattern})$"
_Number = Annotated[float, Field(ge=3.11, lt=100)]  # 3.20 is the number 3.2


def _check(value: object) -> str:
    if not isinstance(value, str):
        raise invalid_value(f"{describe(value)}; {_FORM}")
    version = VERSION.fullmatch(value)
    if version is None:
        if not _IMAGE.fullmatch(value):
            raise invalid_value(f"{quote(value)} is no version of Python; {_FORM}")
        return value
    number = int(version[1]), int(version[2])
    if number < OLDEST:
        raise invalid_value(f"{value} is too old; the servers need Python 3.11 or newer")
    if version[3] and number < OLDEST_FREE_THREADED:
        raise invalid_value(f"{value} does not exist; free-threaded builds begin with 3.13t")
    return value


InterpreterName = Annotated[
    str,
    BeforeValidator(
        _check,
        json_schema_input_type=_Number | Annotated[str, Field(pattern=_EITHER)],
    ),
]


class Runtime(Section):
    """What runs the servers; None is the lab's default: its base image, or its own Python."""

    interpreter: InterpreterName | None = None


OWN = Runtime()
"""The lab's default."""
