"""Hosts that are reached by TLS and through ssh, as on a machine of one's own that is one of them.

They are other machines as far as networks go: each has its own network, sshd and process numbers.
"""

import shutil
from pathlib import Path

import pytest

from tests.certificate_fixtures import issue, make_authority
from tests.e2e.lab_fixtures import DEADLINE_S, Lab
from tests.e2e.swarm.remote_fixtures import (
    FIRST,
    SECOND,
    Remote,
    problems,
    run,
    through_ssh,
    tls,
)
from tests.e2e.swarm.swarm_fixtures import nothing_is_left

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.usefixtures("only_long")]

SMALL = """\
intent: Does a host that is reached from afar give the verdicts of one?
models: [epoll]
clients: [{executor: closed, users: 2, messages: 60, demand: sleep=20ms, replicas: 2}]
faults: [{at: 500ms, fault: pause, lasts: 200ms}]
expect:
  all: ["failed == 0", "acked == users * messages"]
"""
HERE = "engine: 'unix:///var/run/docker.sock'"
SERVER, CLIENTS = ", runs: [server]", ", runs: [clients]"


def test_hosts_are_checked_by_tls_and_through_ssh(at_first: Lab, remote: Remote) -> None:
    hosts = {"first": tls(FIRST, Path("certificates")), "second": through_ssh()}
    ended = at_first.orchestrate("hosts", remote.write_hosts(hosts))
    assert ended.code == 0, ended.out + ended.err
    lines = ended.out.splitlines()
    assert f"first: tcp://{FIRST}:2376" in lines
    assert f"second: ssh://root@{SECOND}" in lines
    assert lines[-1] == "2 hosts: reachable, in one swarm, and alike in images"


def test_a_certificate_that_one_side_refuses_is_named(
    at_first: Lab, remote: Remote, tmp_path: Path
) -> None:
    ours = remote.certificates
    foreign = issue(make_authority(tmp_path / "other"), tmp_path / "foreign", FIRST, SECOND)
    mixed, alone = tmp_path / "mixed", tmp_path / "alone"
    shutil.copytree(foreign, mixed)
    shutil.copy(ours / "ca.pem", mixed)
    alone.mkdir()
    shutil.copy(ours / "ca.pem", alone)
    folders = {"foreign": foreign, "mixed": mixed, "alone": alone}
    hosts = {name: tls(SECOND, folder) for name, folder in folders.items()}
    hosts |= {"first": HERE, "named": tls("127.0.0.1", ours)}
    found = problems(at_first.orchestrate("hosts", remote.write_hosts(hosts)))
    none_answers = f"no Docker engine answers at tcp://{SECOND}:2376"
    assert found[:3] == [
        f"problem: foreign: {none_answers} (the engine's certificate is refused: unable to get "
        f"local issuer certificate; is {foreign}/ca.pem the CA that signed it?)",
        f"problem: mixed: {none_answers} (it refuses {mixed}/cert.pem; is that signed by the CA "
        "that its dockerd has as --tlscacert, for clients, and not expired?)",
        f"problem: alone: there is no {alone}/cert.pem; the folder of tls needs ca.pem, cert.pem "
        "and key.pem",
    ]
    assert found[3].endswith("write a name into the hosts file that its certificate has "
                             "(subjectAltName))")  # fmt: skip


@pytest.mark.parametrize(
    ("user_and_keys", "reason"),
    [
        (
            ("root", "own", None),
            "this machine does not know its host key yet; connect once by hand",
        ),
        (("root", "own", "stranger"), f"if that is right: ssh-keygen -R {SECOND}, then ssh root@"),
        (
            ("root", "stranger", "host"),
            f"by a key that is allowed there: ssh-copy-id root@{SECOND}",
        ),
        (
            ("nobody", "own", "host"),
            "(ssh connects, but not to /var/run/docker.sock there: does an",
        ),
    ],
    ids=["unknown host key", "another host key", "no key", "no right"],
)
def test_why_ssh_does_not_lead_to_an_engine_is_one_line(
    at_first: Lab, remote: Remote, user_and_keys: tuple[str, str, str | None], reason: str
) -> None:
    user, key, host_key = user_and_keys
    remote.let_ssh_use(key, host_key)
    try:
        hosts = remote.write_hosts({"first": HERE, "second": through_ssh(user)})
        (found,) = problems(at_first.orchestrate("hosts", hosts))
    finally:
        remote.let_ssh_use("own", "host")
    assert reason in found


@pytest.mark.parametrize("is_tls", [True, False], ids=["TLS", "ssh"])
def test_a_run_on_a_host_from_afar_gives_the_verdicts_of_one(
    at_first: Lab, remote: Remote, tmp_path: Path, *, is_tls: bool
) -> None:
    """Its engine runs the server, so that the fault goes the same way."""
    scenario = tmp_path / "small.yaml"
    scenario.write_text(SMALL)
    afar = tls(SECOND, remote.certificates) if is_tls else through_ssh()
    hosts = remote.write_hosts({"first": HERE + CLIENTS, "second": afar + SERVER})
    ended = at_first.run(scenario, "--backend", "swarm", "--hosts", hosts)
    assert ended.code == 0, ended.out + ended.err
    (case,) = ended.summary["cases"]
    (fault,) = case["runs"][0]["faults"]
    assert fault["error"] == ""
    assert nothing_is_left(remote.swarm)


def test_an_interrupt_leaves_nothing_behind_an_ssh_tunnel(
    at_first: Lab, remote: Remote, tmp_path: Path
) -> None:
    """The tunnel must outlive the interrupt, since what is behind it is removed through it."""
    scenario = tmp_path / "endless.yaml"
    scenario.write_text(SMALL.replace("messages: 60", "messages: 6000"))
    hosts = remote.write_hosts({"first": HERE + SERVER, "second": through_ssh() + CLIENTS})
    options = ["--backend", "swarm", "--hosts", str(hosts), "--out", str(at_first.out)]
    with at_first.running("under load", scenario, *options) as process:
        run(*remote.swarm.within(1), "pkill", "--signal", "INT", "--full", "orchestrate.py")
        out, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130, out + said
    assert nothing_is_left(remote.swarm)
