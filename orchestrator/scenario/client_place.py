"""The key ``place`` of a client group: the host on which its replicas run, by its name."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from orchestrator.measures.hints import quote
from orchestrator.scenario.fields import describe, invalid_value
from orchestrator.scenario.server import Section

HOST_NAME = "[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
HOST_NAME_FORM = "write at most 63 letters, digits, '_', '.' and '-', the first a letter or digit"
_FORM = "write the name of a host in the hosts file"


def _check_host(value: object) -> str:
    if not isinstance(value, str):
        raise invalid_value(f"{describe(value)}; {_FORM}")
    if not re.fullmatch(HOST_NAME, value):
        raise invalid_value(f"{quote(value)} is not a name; {_FORM}")
    return value


HostName = Annotated[
    str,
    BeforeValidator(
        _check_host, json_schema_input_type=Annotated[str, Field(pattern=f"^{HOST_NAME}$")]
    ),
]
"""The name of a host in the hosts file."""


class ClientPlace(Section):
    """Where the replicas of a group run, by a name of the hosts file."""

    host: HostName
