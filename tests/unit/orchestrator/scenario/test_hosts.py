"""The hosts file: what it may say, and where it is wrong."""

from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scenario.hosts import (
    CLIENTS,
    SERVER,
    Host,
    Hosts,
    SshAddress,
    hosts_schema,
    load_hosts,
    ssh_address,
)
from orchestrator.scenario.yaml_document import Problem, ScenarioError

KEYS = "engine, context, tls, runs, beside_server, labels"
HERE = "engine: 'unix:///a.sock'"
ADDRESS = "write unix:///path, ssh://user@host or tcp://host:port"
REGISTRY = (
    "write host:port or host.example, and a path in lower case if there is one, without https:// "
    "and without a tag"
)
TEXT = "write text, in quotes if it looks like a number"
NAME = "write at most 63 letters, digits, '_', '.' and '-', the first a letter or digit"


def loaded(folder: Path, written: str) -> Hosts:
    path = folder / "lab.hosts.yaml"
    path.write_text(written + "\n", encoding="utf-8")
    return load_hosts(path)


def problems(folder: Path, written: str) -> list[str]:
    with pytest.raises(ScenarioError) as found:
        loaded(folder, written)
    return [line.partition("lab.hosts.yaml:")[2] for line in str(found.value).splitlines()]


def test_a_host_may_run_everything_unless_it_says_otherwise(tmp_path: Path) -> None:
    hosts = loaded(tmp_path, f"hosts: {{a: {{{HERE}}}, b: {{context: far, runs: [clients]}}}}")
    assert list(hosts.by_name) == ["a", "b"]
    assert hosts.by_name["a"].runs == (SERVER, CLIENTS)
    assert hosts.by_name["a"].engine == "unix:///a.sock"
    assert hosts.by_name["b"].runs == (CLIENTS,)
    assert hosts.by_name["b"].context == "far"


def test_the_network_is_encrypted_if_the_file_says_so(tmp_path: Path) -> None:
    written = f"hosts: {{a: {{{HERE}}}}}\n"
    assert not loaded(tmp_path, written).are_encrypted
    assert loaded(tmp_path, f"encrypted: true\n{written}").are_encrypted


@pytest.mark.parametrize(
    "address",
    ["far:5000", "registry.example", "localhost", "localhost/a", "[fe80::1]:5000/a",
     "Far.example:443/team_a/b-c/d__e"],
)  # fmt: skip
def test_a_registry_is_named_as_docker_names_it(tmp_path: Path, address: str) -> None:
    written = f"registry: '{address}'\nhosts: {{a: {{{HERE}}}}}"
    assert loaded(tmp_path, written).registry == address
    jsonschema.validate(yaml.safe_load(written), hosts_schema())


@given(st.text(alphabet="aB1.:/_-[]@ ", max_size=30))
def test_any_registry_is_read_or_refused_as_the_schema_does(
    tmp_path_factory: pytest.TempPathFactory, address: str
) -> None:
    """The port's range is no matter of the schema."""
    document = {"registry": address, "hosts": {"a": {"context": "b"}}}
    written = yaml.safe_dump(document)
    try:
        read = loaded(tmp_path_factory.mktemp("hosts"), written).registry
    except ScenarioError as error:
        refused = str(error)
        assert "is not the address of a registry" in refused or "out of range" in refused
    else:
        assert read == address
        jsonschema.validate(document, hosts_schema())


def test_certificates_are_beside_the_file(tmp_path: Path) -> None:
    written = "hosts: {{a: {{engine: 'tcp://a:2376', tls: {}}}}}"
    assert loaded(tmp_path, written.format("certs")).certificates_of("a") == tmp_path / "certs"
    assert loaded(tmp_path, written.format("/certs")).certificates_of("a") == Path("/certs")
    assert loaded(tmp_path, f"hosts: {{a: {{{HERE}}}}}").certificates_of("a") is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", ["1:1: the file is empty; a hosts file is a map that begins with hosts:"]),
        ("[]", ["1:1: the file holds a list; a hosts file is a map that begins with hosts:"]),
        ("host: {}",
         ["1:1: unknown key 'host'; did you mean 'hosts'? allowed: hosts, encrypted, registry"]),
        (f"encrypted: 1\nhosts: {{a: {{{HERE}}}}}",
         ["1:12: encrypted: 1 is a number; allowed: true or false"]),
        (f"registry: 'https://far:5000'\nhosts: {{a: {{{HERE}}}}}",
         [f"1:11: registry: 'https://far:5000' is not the address of a registry; {REGISTRY}"]),
        (f"registry: team/lab\nhosts: {{a: {{{HERE}}}}}",
         [f"1:11: registry: 'team/lab' is not the address of a registry; {REGISTRY}"]),
        (f"registry: 5000\nhosts: {{a: {{{HERE}}}}}",
         [f"1:11: registry: 5000 is a number; {REGISTRY}"]),
        (f"registry: far:65536/team\nhosts: {{a: {{{HERE}}}}}",
         ["1:11: registry: port 65536 is out of range; allowed: 1 to 65535"]),
        ("hosts: {}", ["1:8: hosts: 0 hosts; allowed: 1 to 100"]),
        ("hosts: {a: 5}", ["1:12: a: 5 is a number; write a map, e.g. {a: 1, b: 2}"]),
        ("hosts: {a: {}}", ["1:12: a: this host has no engine; write engine or context"]),
        (f"hosts: {{a: {{{HERE}, context: b}}}}",
         ["1:39: this host has an engine already; write engine or context, not both"]),
        ("hosts: {a: {engine: 'http://x'}}",
         [f"1:21: engine: 'http://x' is not the address of an engine; {ADDRESS}"]),
        ("hosts: {a: {engine: 5}}", [f"1:21: engine: 5 is a number; {ADDRESS}"]),
        ("hosts: {a: {engine: 'ssh://-oProxyCommand=x'}}",
         ["1:21: engine: 'ssh://-oProxyCommand=x' is not the address of an engine; " + ADDRESS]),
        ("hosts: {a: {engine: 'ssh://h:0'}}",
         ["1:21: engine: port 0 is out of range; allowed: 1 to 65535"]),
        ("hosts: {a: {engine: 'tcp://h:2376'}}",
         ["1:21: engine: whoever reaches it without TLS controls that machine; write tls, the "
          "folder of its certificates, or use ssh://"]),
        (f"hosts: {{a: {{{HERE}, tls: certs}}}}",
         ["1:39: only tcp:// has TLS; leave it out"]),
        (f"hosts: {{a: {{{HERE}, runs: [clients], beside_server: true}}, b: {{context: b}}}}",
         ["1:56: this host runs only clients; leave it out, or name both in runs"]),
        (f"hosts: {{a: {{{HERE}, beside_server: 1}}}}",
         ["1:54: beside_server: 1 is a number; allowed: true or false"]),
        (f"hosts: {{-a: {{{HERE}}}}}", [f"1:9: '-a' is not a name; {NAME}"]),
        ("hosts: {a: {context: '../x'}}",
         ["1:22: context: '../x' is not the name of a Docker context; see docker context ls"]),
        (f"hosts: {{a: {{{HERE}, runs: [servers]}}}}",
         ["1:46: unknown value 'servers'; did you mean 'server'? allowed: server, clients"]),
        (f"hosts: {{a: {{{HERE}, runs: []}}}}",
         ["1:45: runs: the list is empty; write at least one of server and clients"]),
        (f"hosts: {{a: {{{HERE}, runs: [server, server]}}}}",
         ["1:45: runs: a word is twice in the list; write each once"]),
        (f"hosts: {{a: {{{HERE}, runs: [server]}}}}",
         ["1:8: hosts: no host may run clients; add it to runs of one"]),
        ("hosts: {a: {engine: 5, labels: {rack: 5}, colour: red}}",
         [f"1:21: engine: 5 is a number; {ADDRESS}",
          f"1:39: rack: 5 is a number; {TEXT}",
          f"1:43: unknown key 'colour'; allowed: {KEYS}"]),
        ("hosts:\n  a: &x {context: b}", ["2:6: anchors and aliases are not allowed; write the "
                                          "value out"]),
    ],
)  # fmt: skip
def test_a_bad_file_says_what_is_allowed(tmp_path: Path, written: str, expected: list[str]) -> None:
    assert problems(tmp_path, written) == expected


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    message = r"lab\.hosts\.yaml:1:1: cannot be read: no such file; docs/swarm\.md says"
    with pytest.raises(ScenarioError, match=message):
        load_hosts(tmp_path / "lab.hosts.yaml")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ssh://h", SshAddress("h", 22)),
        ("ssh://me@h.example:2222", SshAddress("me@h.example", 2222)),
        ("ssh://me@[fe80::1]:22", SshAddress("me@fe80::1", 22)),
        ("unix:///x", None),
        ("tcp://h:1", None),
    ],
)
def test_ssh_is_given_a_destination_and_a_port(address: str, expected: SshAddress | None) -> None:
    assert ssh_address(address) == expected


names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
machines = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?|\[[0-9a-f:]{2,20}\]", fullmatch=True)
ports = st.integers(1, 65_535)
users = st.from_regex(r"[a-z_][a-z0-9_.-]{0,10}", fullmatch=True)
engines = st.one_of(
    st.builds(
        lambda path: {"engine": f"unix:///{path}"},
        st.from_regex(r"[A-Za-z0-9_./-]{1,100}", fullmatch=True),
    ),
    st.builds(lambda host, user: {"engine": f"ssh://{user}@{host}"}, machines, users),
    st.builds(lambda host, port: {"engine": f"ssh://{host}:{port}"}, machines, ports),
    st.builds(
        lambda host, port: {"engine": f"tcp://{host}:{port}", "tls": "certs"}, machines, ports
    ),
    st.builds(lambda name: {"context": name}, names),
)
labels = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(names, st.just("x")),
        "beside_server": st.booleans(),
    },
)
descriptions = st.builds(lambda engine, rest: {**engine, **rest}, engines, labels)
files = st.dictionaries(names, descriptions, min_size=1, max_size=5)


@given(files)
def test_every_valid_file_is_read_as_it_is_written(
    tmp_path_factory: pytest.TempPathFactory, hosts: dict[str, dict[str, object]]
) -> None:
    """The JSON Schema accepts it, too."""
    written = yaml.safe_dump({"hosts": hosts}, sort_keys=False)
    found = loaded(tmp_path_factory.mktemp("hosts"), written)
    read = {
        name: host.model_dump(exclude_unset=True, exclude_none=True)
        for name, host in found.by_name.items()
    }
    assert read == hosts
    assert list(found.by_name) == list(hosts)
    jsonschema.validate({"hosts": hosts}, hosts_schema())


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_read_or_refused_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, name: str, engine: str, context: str
) -> None:
    host = {"engine": engine} if engine else {"context": context}
    written = yaml.safe_dump({"hosts": {name: host}}, allow_unicode=True)
    read: list[Host] = []
    found: tuple[Problem, ...] = ()
    try:
        read = list(loaded(tmp_path_factory.mktemp("hosts"), written).by_name.values())
    except ScenarioError as error:
        found = error.problems
    assert len(read) == 1 if not found else not read
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)
    assert [each.model_dump(exclude_unset=True) for each in read] == [host] * len(read)
    if read:
        jsonschema.validate({"hosts": {name: host}}, hosts_schema())


@pytest.mark.parametrize(
    "refused",
    [
        {},
        {"hosts": {}},
        {"hosts": {"-a": {"context": "b"}}},
        {"hosts": {"a": {"engine": "http://x"}}},
        {"hosts": {"a": {"engine": None}}},
        {"hosts": {"a": {"runs": []}}},
        {"hosts": {"a": {"runs": ["server", "server"]}}},
        {"hosts": {"a": {"labels": {"-": "x"}}}},
        {"hosts": {"a": {"colour": "red"}}},
        {"hosts": {"a": {"context": "b"}}, "colour": "red"},
        {"hosts": {"a": {"context": "b"}}, "registry": "team/lab"},
        {"hosts": {"a": {"context": "b"}}, "registry": None},
    ],
)
def test_the_schema_refuses_what_the_file_may_not_say(refused: dict[str, object]) -> None:
    jsonschema.Draft202012Validator.check_schema(hosts_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(refused, hosts_schema())
