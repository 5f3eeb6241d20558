"""Images that go through a registry: Debian's, on the first machine of a swarm."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab
from tests.e2e.swarm.remote_fixtures import (
    FIRST,
    PASSWORD,
    SECOND,
    USER,
    Remote,
    problems,
    registry,
    run,
    through_ssh,
    trust_registry,
)
from tests.e2e.swarm.swarm_fixtures import Swarm, nothing_is_left

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("only_long")]

LOGIN, UNTRUSTED, PLAIN, CLOSED = 5000, 5001, 5002, 5003
SMALL = """\
intent: Do images that went through a registry give the verdicts?
models: [epoll]
clients: [{executor: closed, users: 2, messages: 10, demand: sleep=20ms, replicas: 2}]
expect:
  all: ["failed == 0", "acked == users * messages"]
"""
HELPER = f"""\
#!/bin/sh
cat >/dev/null
echo '{{"ServerURL": "{FIRST}:{LOGIN}", "Username": "{USER}", "Secret": "{PASSWORD}"}}'
"""


@pytest.fixture(scope="module")
def log(remote: Remote) -> Iterator[Path]:
    """Run the registries; return the log of the one that both engines trust and that has users."""
    trust_registry(remote, LOGIN)
    with (
        registry(remote, UNTRUSTED, has_tls=True, has_login=False),
        registry(remote, PLAIN, has_tls=False, has_login=False),
        registry(remote, LOGIN, has_tls=True, has_login=True) as found,
    ):
        yield found


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Return the file of a small scenario."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def hosts_with(remote: Remote, port: int) -> Path:
    """Return a hosts file whose images go through the registry at ``port``."""
    here = "engine: 'unix:///var/run/docker.sock', runs: [server]"
    path = remote.write_hosts({"first": here, "second": through_ssh() + ", runs: [clients]"})
    path.write_text(f"{path.read_text()}registry: {FIRST}:{port}/team\n")
    return path


def configured(remote: Remote, folder: Path) -> list[str]:
    """Return the words before a command of the first machine: ``folder`` configures docker."""
    return [*remote.swarm.within(1), "env", f"DOCKER_CONFIG={folder}"]


def image_names(swarm: Swarm, number: int) -> set[str]:
    """Return what the images of an engine are called, by tag and by digest."""
    listed = swarm.docker(number, "image", "ls", "--all", "--quiet", "--no-trunc").decode()
    form = '{{join .RepoTags " "}} {{join .RepoDigests " "}}'
    ids = sorted(set(listed.split()))
    shown = swarm.docker(number, "image", "inspect", "--format", form, *ids) if ids else b""
    return set(shown.decode().split())


def remove_images(swarm: Swarm, number: int) -> None:
    ids = swarm.docker(number, "image", "ls", "--all", "--quiet").decode().split()
    if ids:
        swarm.docker(number, "image", "rm", "--force", *sorted(set(ids)))


def test_a_host_pulls_what_it_lacks_with_the_login_of_this_machine(
    remote: Remote, log: Path, scenario: Path, tmp_path: Path
) -> None:
    begin = configured(remote, tmp_path / "docker")
    words = ("docker", "login", "--username", USER, "--password-stdin", f"{FIRST}:{LOGIN}")
    run(*begin, *words, given=PASSWORD)
    remove_images(remote.swarm, 2)
    lab, hosts = Lab(ROOT, tmp_path / "results", begin), hosts_with(remote, LOGIN)
    ended = lab.run(scenario, "--backend", "swarm", "--hosts", hosts)
    assert ended.code == 0, ended.out + ended.err
    pulled = image_names(remote.swarm, 2)
    names = {name.partition(":")[0] for name in pulled}
    assert names == {"server-models-lab/client", "server-models-lab/epoll"}
    assert pulled <= image_names(remote.swarm, 1)
    assert not any(FIRST in name for name in image_names(remote.swarm, 1))
    assert f'remoteaddr="{SECOND}:' in log.read_text()
    assert nothing_is_left(remote.swarm)


def test_a_credential_helper_is_asked(remote: Remote, log: Path, tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-lab"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    address = f"{FIRST}:{LOGIN}"
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {address: "lab"}}))
    path = f"PATH={tmp_path}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    lab = Lab(ROOT, tmp_path / "results", [*configured(remote, tmp_path), path])
    ended = lab.orchestrate("hosts", hosts_with(remote, LOGIN))
    assert ended.code == 0, ended.out + ended.err + log.read_text()
    assert f"registry {address}/team: answers the engine of each host" in ended.out


@pytest.mark.parametrize(
    ("port", "said", "advice"),
    [
        (LOGIN, "no basic auth credentials", "log in on this machine: docker login {host}"),
        (UNTRUSTED, "certificate signed by unknown authority",
         "put its CA into /etc/docker/certs.d/{host}/ca.crt on that host, or correct its "
         "certificate"),
        (PLAIN, "server gave HTTP response to HTTPS client",
         "it has no TLS; give it a certificate, or add {host} to insecure-registries in the "
         "daemon.json of that engine"),
        (CLOSED, "connection refused", "does it run, and does that engine reach it?"),
    ],
    ids=["no login", "unknown CA", "no TLS", "closed"],
)  # fmt: skip
@pytest.mark.usefixtures("log")
def test_why_a_registry_cannot_be_used_is_one_line_for_each_host(
    at_first: Lab, remote: Remote, port: int, said: str, advice: str
) -> None:
    found = problems(at_first.orchestrate("hosts", hosts_with(remote, port)))
    assert len(found) == 2
    for name, problem in zip(("first", "second"), found, strict=True):
        begin = f"problem: {name}: its engine cannot pull from the registry {FIRST}:{port}/team ("
        assert problem.startswith(begin)
        assert problem.endswith(f"{said}); {advice.format(host=f'{FIRST}:{port}')}")


@pytest.mark.usefixtures("log")
def test_a_registry_behind_a_firewall_has_the_reason_of_its_engine(
    at_first: Lab, remote: Remote
) -> None:
    rule = ("OUTPUT", "--protocol", "tcp", "--dport", str(PLAIN), "--jump", "DROP")
    run(*remote.swarm.within(2), "iptables", "--insert", *rule)
    try:
        found = problems(at_first.orchestrate("hosts", hosts_with(remote, PLAIN)))
    finally:
        run(*remote.swarm.within(2), "iptables", "--delete", *rule)
    assert f'(Get "https://{FIRST}:{PLAIN}/v2/": ' in found[1]
    assert "timeout" in found[1].lower()  # of the dial or of the answer, whichever is noticed first
    assert found[1].endswith("; does it run, and does that engine reach it?")


@pytest.mark.usefixtures("log")
def test_a_run_that_cannot_push_ends_with_the_reason(
    at_first: Lab, remote: Remote, scenario: Path
) -> None:
    remove_images(remote.swarm, 2)
    options = ["--backend", "swarm", "--hosts", str(hosts_with(remote, LOGIN))]
    ended = at_first.orchestrate(scenario, *options, "--out", str(at_first.out))
    assert ended.code == 3, ended.out + ended.err
    address = f"{FIRST}:{LOGIN}"
    assert f"this machine's engine cannot push to the registry {address}/team (" in ended.out
    assert f"; log in on this machine: docker login {address}" in ended.out
    assert not any(FIRST in name for name in image_names(remote.swarm, 1))
