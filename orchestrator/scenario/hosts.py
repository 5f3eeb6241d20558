"""The hosts file: the Docker engines of a swarm, and what each of them may run.

It is YAML, read as strictly as a scenario; all its problems are reported at once. Nothing is
connected to here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from orchestrator.measures.hints import quote
from orchestrator.scenario.client_place import HOST_NAME as NAME
from orchestrator.scenario.client_place import HOST_NAME_FORM as NAME_FORM
from orchestrator.scenario.explain import explained
from orchestrator.scenario.fields import (
    Flag,
    Text,
    describe,
    invalid_value,
    not_empty,
    one_of,
    raise_all,
)
from orchestrator.scenario.json_schema import DIALECT
from orchestrator.scenario.server import Section
from orchestrator.scenario.yaml_document import Location, Problem, ScenarioError, read_document

HOSTS_FILE = Path("lab.hosts.yaml")
SERVER: Final = "server"
CLIENTS: Final = "clients"
MAX_HOSTS = 100
MAX_PORT = 65_535
DEFAULT_SSH_PORT = 22

UNIX, SSH, TCP = "unix://", "ssh://", "tcp://"
_ON_NETWORK = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]"
_ADDRESS = (
    r"unix:///[A-Za-z0-9_./-]{1,100}"
    rf"|ssh://(?:[A-Za-z_][A-Za-z0-9_.-]{{0,63}}@)?(?:{_ON_NETWORK})(?::[0-9]{{1,5}})?"
    rf"|tcp://(?:{_ON_NETWORK}):[0-9]{{1,5}}"
)
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REGISTRY = (
    rf"(?=[^/]*[.:]|localhost(?:/|$))(?:{_ON_NETWORK})(?::[0-9]{{1,5}})?(?:/{_COMPONENT}){{0,8}}"
)
"""As docker tells a registry from a user at Docker Hub: by a dot, a port, or ``localhost``."""

_REGISTRY_FORMS = (
    "write host:port or host.example, and a path in lower case if there is one, without https:// "
    "and without a tag"
)
_ADDRESS_FORMS = "write unix:///path, ssh://user@host or tcp://host:port"
_SSH = re.compile(rf"ssh://((?:[^@]+@)?(?:{_ON_NETWORK}))(?::([0-9]+))?")
_FORM = "a hosts file is a map that begins with hosts:"
_ABOUT = "docs/swarm.md says what a hosts file is, and how to write one"

Found = list[tuple[Location, PydanticCustomError]]


def _check_address(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_ADDRESS, value):
        raise invalid_value(f"{_shown(value, 'the address of an engine')}; {_ADDRESS_FORMS}")
    return _with_port_in_range(value)


def _check_registry(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(_REGISTRY, value):
        raise invalid_value(f"{_shown(value, 'the address of a registry')}; {_REGISTRY_FORMS}")
    return _with_port_in_range(value)


def _with_port_in_range(value: str) -> str:
    port = re.search(r"(?<!/):([0-9]+)(?:/|$)", value)
    if port and not 1 <= int(port[1]) <= MAX_PORT:
        raise invalid_value(f"port {port[1]} is out of range; allowed: 1 to {MAX_PORT}")
    return value


def _check_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME, value):
        raise invalid_value(f"{_shown(value, 'a name')}; {NAME_FORM}", at_key=True)
    return value


def _check_context(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME, value):
        message = _shown(value, "the name of a Docker context")
        raise invalid_value(f"{message}; see docker context ls")
    return value


def _shown(value: object, wanted: str) -> str:
    return f"{quote(value)} is not {wanted}" if isinstance(value, str) else describe(value)


def _check_runs(runs: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(runs)) < len(runs):
        raise invalid_value("a word is twice in the list; write each once")
    return runs


_Address = Annotated[
    str,
    BeforeValidator(
        _check_address,
        json_schema_input_type=Annotated[str, Field(pattern=f"^(?:{_ADDRESS})$")],
    ),
]
_Context = Annotated[
    str,
    BeforeValidator(
        _check_context, json_schema_input_type=Annotated[str, Field(pattern=f"^{NAME}$")]
    ),
]
_Registry = Annotated[
    str,
    BeforeValidator(
        _check_registry,
        json_schema_input_type=Annotated[str, Field(pattern=f"^(?:{_REGISTRY})$")],
    ),
]
_Name = Annotated[
    str,
    BeforeValidator(_check_name, json_schema_input_type=Annotated[str, Field(pattern=f"^{NAME}$")]),
]
_Part = Annotated[Literal["server", "clients"], one_of(SERVER, CLIENTS)]


class Host(Section):
    """An engine, by its address or by a Docker context, and what it may run."""

    engine: Annotated[
        _Address | None,
        Field(description="the engine's address: unix:///path, ssh://user@host, tcp://host:port"),
    ] = None
    context: Annotated[
        _Context | None, Field(description="a Docker context, in place of engine")
    ] = None
    tls: Annotated[
        Text | None,
        Field(
            description="for tcp: the folder with ca.pem, cert.pem and key.pem; a relative one is "
            "beside this file"
        ),
    ] = None
    runs: Annotated[
        tuple[_Part, ...],
        Field(strict=False, description="what it may run: server, clients, or both (the default)"),
        AfterValidator(not_empty("of server and clients")),
        AfterValidator(_check_runs),
    ] = (SERVER, CLIENTS)
    beside_server: Annotated[
        Flag,
        Field(description="whether clients may run here beside the server, which delay each other"),
    ] = False
    labels: Annotated[
        Mapping[_Name, Text], Field(description="words for people: what is special about it")
    ] = {}


def _check_hosts(hosts: Mapping[str, Host]) -> Mapping[str, Host]:
    """Refuse hosts without exactly one engine, TCP without TLS, and parts that none may run."""
    if not 1 <= len(hosts) <= MAX_HOSTS:
        raise invalid_value(f"{len(hosts)} hosts; allowed: 1 to {MAX_HOSTS}")
    found: Found = [each for name, host in hosts.items() for each in _errors_of(name, host)]
    raise_all(found)
    for part in (SERVER, CLIENTS):
        if not any(part in host.runs for host in hosts.values()):
            raise invalid_value(f"no host may run {part}; add it to runs of one")
    return hosts


def _errors_of(name: str, host: Host) -> Found:
    if host.engine is None and host.context is None:
        return [((name,), invalid_value("this host has no engine; write engine or context"))]
    if host.engine is not None and host.context is not None:
        message = "this host has an engine already; write engine or context, not both"
        return [((name, "context"), invalid_value(message, at_key=True))]
    is_tcp = host.engine is not None and host.engine.startswith(TCP)
    if is_tcp and host.tls is None:
        message = (
            "whoever reaches it without TLS controls that machine; write tls, the folder of its "
            "certificates, or use ssh://"
        )
        return [((name, "engine"), invalid_value(message))]
    found: Found = []
    if host.tls is not None and not is_tcp:
        message = "only tcp:// has TLS; leave it out"
        found.append(((name, "tls"), invalid_value(message, at_key=True)))
    if host.beside_server and len(host.runs) == 1:
        message = f"this host runs only {host.runs[0]}; leave it out, or name both in runs"
        found.append(((name, "beside_server"), invalid_value(message, at_key=True)))
    return found


class HostsFile(Section):
    """The engines of one swarm; the lab's hosts file."""

    hosts: Annotated[
        Mapping[_Name, Host],
        Field(description="the engines, each under a name of your choice"),
        AfterValidator(_check_hosts),
    ]
    encrypted: Annotated[
        Flag, Field(description="whether what containers send from host to host is encrypted")
    ] = False
    registry: Annotated[
        _Registry | None,
        Field(
            description="a registry through which images go to the hosts: host:port/path; "
            "without it, this machine copies them"
        ),
    ] = None


@dataclass(frozen=True)
class Hosts:
    """The hosts by name, in the order of the file; ``folder`` is that of the file.

    ``are_encrypted``: what their containers send to those of others is encrypted. ``registry`` is
    the address of the one that images go through, None if this machine copies them.
    """

    by_name: Mapping[str, Host]
    folder: Path
    are_encrypted: bool = False
    registry: str | None = None

    def certificates_of(self, name: str) -> Path | None:
        """Return the folder of a host's certificates, None if it has none."""
        tls = self.by_name[name].tls
        return None if tls is None else self.folder / Path(tls).expanduser()


class SshAddress(NamedTuple):
    """Where ssh connects to: ``user@host`` or ``host``, and the port."""

    destination: str
    port: int


def ssh_address(address: str) -> SshAddress | None:
    """Return what an ``ssh://`` address of an engine names, None if it is none."""
    found = _SSH.fullmatch(address)
    if found is None:
        return None
    return SshAddress(found[1].replace("[", "").replace("]", ""), int(found[2] or DEFAULT_SSH_PORT))


def load_hosts(path: Path) -> Hosts:
    """Return the hosts in the file ``path``.

    Raises:
        ScenarioError: with every problem found, each at its line and column.
    """
    if not path.exists():
        message = f"cannot be read: no such file; {_ABOUT}"
        raise ScenarioError([Problem(str(path), 1, 1, message)])
    document = read_document(path, form=_FORM)
    try:
        file = HostsFile.model_validate(document.data)
    except ValidationError as error:
        raise explained(error, document, _keys) from None
    if document.problems:
        raise ScenarioError(document.problems)
    return Hosts(file.hosts, path.absolute().parent, file.encrypted, file.registry)


def hosts_schema() -> dict[str, Any]:
    """Return the JSON Schema of hosts files, in draft 2020-12.

    It does not know which keys of a host belong together; `load_hosts` checks that.
    """
    made = HostsFile.model_json_schema(mode="validation")
    host = made["$defs"][Host.__name__]
    for value in (*host["properties"].values(), made["properties"]["registry"]):
        if "anyOf" in value:  # null is not allowed in the file, where a key is left out
            (kind,) = [each for each in value.pop("anyOf") if each != {"type": "null"}]
            value.update(kind)
            del value["default"]
    host["properties"]["runs"] |= {"minItems": 1, "uniqueItems": True}
    named = made["properties"]["hosts"]
    named |= {"minProperties": 1, "maxProperties": MAX_HOSTS, "additionalProperties": False}
    host["properties"]["labels"] |= {"additionalProperties": False}
    return {"$schema": DIALECT, **made, "title": "Hosts file of the Server Models Lab"}


def _keys(location: Location) -> list[str]:
    """Return the keys that are allowed in the map in which ``location`` is a key."""
    return list((Host if location[:1] == ("hosts",) else HostsFile).model_fields)
