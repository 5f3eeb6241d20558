"""Whole campaigns, on local processes and on containers, with the same expectations."""

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import docker
import pytest

from conformance import ROOT
from tests.e2e.lab_fixtures import Lab, copy_checkout, edit

BACKENDS = ["process", pytest.param("docker", marks=pytest.mark.docker)]
MAX_OVERHEAD_S = {"process": 0.5, "docker": 6.0}
LONG = """\
intent: Long enough to be interrupted.
models: [prefork]
clients: [{executor: closed, users: 2, messages: 100, demand: sleep=1s}]
"""


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each backend in turn; no container or network of the campaigns may remain."""
    name: str = request.param
    if name == "process":
        yield name
        return
    with contextlib.closing(docker.from_env()) as engine:
        before = source_tags(engine)
        yield name
        if (tmp_path / "copy").exists():  # a checkout with a planted defect, whose images go
            for tag in source_tags(engine) - before:
                engine.images.remove(tag)
        ids = {path.parent.name.rpartition("-")[2] for path in tmp_path.rglob("summary.json")}
        assert left_on(engine, ids) == []


def source_tags(engine: docker.DockerClient) -> set[str]:
    """Return the tags of the images that the lab has built."""
    tags = {tag for image in engine.images.list() for tag in image.tags}
    return {tag for tag in tags if ":source-" in tag}


def left_on(engine: docker.DockerClient, ids: set[str]) -> list[str]:
    """Return the names of all containers and networks of these campaigns."""
    names = [each.name or "" for each in engine.containers.list(all=True, ignore_removed=True)]
    names += [each.name or "" for each in engine.networks.list()]
    return [name for name in names if any(name.startswith(f"lab-{each}-") for each in ids)]


def test_quickstart(lab: Lab, backend: str) -> None:
    ended = lab.run("scenarios/quickstart.yaml", "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    assert [case["name"] for case in ended.summary["cases"]] == [
        "single", "prefork", "threaded", "epoll",
    ]  # fmt: skip
    for case in ended.summary["cases"]:
        measures = case["measures"]
        assert measures["sent"] == measures["acked"] + measures["failed"] + measures["in_flight"]
        assert measures["cpu_time_s"] > 0
        assert measures["peak_memory_bytes"] > 1 << 20
        assert measures["time_in_unattributed_s"] == 0
    assert longest_part(ended.case("single")) == "time_in_accept_queue_s"
    assert longest_part(ended.case("epoll")) == "time_in_service_s"
    (folder,) = ended.results
    (suites,) = [ET.parse(folder / "junit.xml").getroot()]  # noqa: S314 our own file
    assert suites.find(".//testcase") is not None
    assert suites.find(".//failure") is None
    assert "</html>" in (folder / "report.html").read_text()
    assert "results: " + str(folder) in ended.out
    seen = " ".join(ended.out.splitlines()[-15:])
    assert f"question: {ended.summary['intent']}" in seen
    assert "answer: Served at once: 1 of 7 clients under single" in seen
    assert list(ended.summary)[2:4] == ["intent", "answer"]


def longest_part(case: dict[str, Any]) -> str:
    """Return the component in which the messages of a case spent most of their time."""
    measures: dict[str, float] = case["measures"]
    parts = [name for name in measures if name.startswith("time_in_")]
    together = sum(measures[part] for part in parts)
    assert together == pytest.approx(measures["response_time_mean_s"])
    return max(parts, key=measures.__getitem__)


@pytest.mark.together
def test_a_stored_campaign_gives_the_same_analysis_again(lab: Lab) -> None:
    first = lab.run("scenarios/quickstart.yaml", "--backend", "process")
    before = first.summary
    (folder,) = first.results
    again = lab.orchestrate("report", folder)
    assert again.code == first.code
    assert again.summary == before
    cut = f"{sys.executable} orchestrate.py report {folder} | head -n 1; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", cut], cwd=ROOT, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (first.code, b"")


@pytest.mark.together
def test_another_checkout_analyses_a_stored_run_to_the_same_bytes(lab: Lab, tmp_path: Path) -> None:
    """All that analysis needs is in the results: models, labels and defaults may change."""
    first = lab.run("scenarios/quickstart.yaml", "--backend", "process")
    (folder,) = first.results
    summary = folder / "summary.json"
    before = summary.read_bytes()
    other = copy_checkout(tmp_path / "other")
    edit(other / "compose.yaml", lambda text: text.replace("lab.twin: process", "lab.twin: loop"))
    edit(other / "compose.yaml", lambda text: text.replace("  threaded:\n", "  renamed:\n"))
    edit(
        other / "labkit/server/settings.py",
        lambda text: text.replace("workers: int = 5", "workers: int = 9"),
    )
    assert Lab(other, tmp_path / "none").orchestrate("report", folder).code == first.code
    assert summary.read_bytes() == before


@pytest.mark.together
def test_several_runs_are_compared_in_one_report(lab: Lab, tmp_path: Path) -> None:
    scenario = tmp_path / "short.yaml"
    scenario.write_text(
        "intent: How long?\nmodels: [epoll]\n"
        "clients: [{executor: closed, users: 2, messages: 2, demand: sleep=10ms}]\n"
    )
    folders = [lab.run(scenario, "--backend", "process").results[-1] for _ in range(2)]
    page = tmp_path / "both.html"
    ended = lab.orchestrate("report", *folders, "--out", page)
    assert f"side by side: {page}" in ended.err
    told = page.read_text()
    assert "Differences: B against A" in told
    assert "A: epoll" in told
    assert f"orchestrate.py run {scenario} --backend process --accept-invalid" in told
    assert lab.orchestrate("report", *folders, "--json").code == 2


@pytest.mark.parametrize("backend", ["process"], indirect=True)  # the verdict knows no backend
def test_broken_models_fail_by_name(tmp_path: Path, backend: str) -> None:
    """A second connection served at once; a sleep in the loop; a missing worker."""
    lab = Lab(copy_checkout(tmp_path / "copy"), tmp_path / "results")
    services = lab.checkout / "services"
    edit(services / "single/server.py", lambda text: text.replace(
        "    for conn in service.connections():\n        service.serve_connection(conn)\n",
        "    import threading\n    for conn in service.connections():\n"
        "        threading.Thread(target=service.serve_connection, args=(conn,)).start()\n",
    ))  # fmt: skip
    edit(lab.checkout / "labkit/server/loop.py", lambda text: text.replace(
        "self._service.settings.blocking_sleep", "True"
    ))  # fmt: skip
    supervisor = lab.checkout / "labkit/server/supervisor.py"
    edit(supervisor, lambda text: text.replace(
        "lambda worker: self._start", "lambda worker: worker > 1 and self._start"
    ))  # fmt: skip
    quickstart = "scenarios/quickstart.yaml"
    ended = lab.orchestrate(quickstart, "--backend", backend, "--accept-invalid", "--out", lab.out)
    assert ended.code == 1, ended.out + ended.err
    assert "messages were started by a worker that was still serving another" in ended.out
    for name, expression in {
        "single": "peak_in_service == 1",
        "epoll": "peak_in_service == users",
        "prefork": "peak_in_service == workers",
    }.items():
        assert expression in failed(ended.case(name))
        assert expression in ended.out
    assert failed(ended.case("threaded")) == []


@pytest.mark.together
def test_a_server_that_dies_at_start_is_quoted(tmp_path: Path, backend: str) -> None:
    lab = Lab(copy_checkout(tmp_path / "copy"), tmp_path / "results")
    server = lab.checkout / "services/single/server.py"
    edit(server, lambda text: text.replace("service.listening(workers=1)", "1 / 0"))
    scenario = tmp_path / "one.yaml"
    scenario.write_text(LONG.replace("prefork", "single"))
    ended = lab.run(scenario, "--backend", backend)
    assert ended.code == 3
    said = ended.out + ended.err
    assert "ended at start, exit code 1; its last lines:" in said
    assert said.count("ZeroDivisionError") == 1
    assert ended.summary["status"] == "broken"
    assert "ZeroDivisionError" in ended.summary["reason"]
    assert lab.left_processes() == []


def failed(case: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["expression"] for each in case["expectations"] if each["outcome"] == "failed"]


@pytest.mark.together
@pytest.mark.parametrize("cue", ["backend:", "[1/1] prefork: starting", "under load"])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(
    lab: Lab, backend: str, tmp_path: Path, cue: str, signum: signal.Signals
) -> None:
    scenario = tmp_path / "long.yaml"
    scenario.write_text(LONG)
    ended = lab.interrupt(cue, signum, scenario, "--backend", backend, "--out", lab.out)
    assert ended.code == 130, ended.out + ended.err
    assert f"interrupted by {signum.name}" in ended.out + ended.err
    assert "Traceback" not in ended.err
    assert lab.left_processes() == []
    for folder in ended.results:
        assert str(folder) in ended.out
        assert ended.summary["status"] == "interrupted"
        if cue == "under load":
            assert '"event":"listening"' in (folder / "raw/prefork/server.log").read_text()


def test_fifty_replicas_start_together(lab: Lab, backend: str) -> None:
    """The scenario expects a spread under 50 ms; on a busy machine it may take a second try."""
    scenario = "scenarios/start_together.yaml"
    ended = lab.run(scenario, "--backend", backend)
    if ended.code == 1 and failed(ended.case("epoll")) == ["start_spread < 50ms"]:
        lab = Lab(lab.checkout, lab.out / "again")
        ended = lab.run(scenario, "--backend", backend)
    assert ended.code == 0, ended.out + ended.err
    measures = ended.case("epoll")["measures"]
    assert measures["replicas"] == 50
    assert measures["acked"] == 50


@pytest.mark.together
@pytest.mark.docker
def test_kept_containers_can_be_inspected(lab: Lab, tmp_path: Path) -> None:
    scenario = tmp_path / "kept.yaml"
    scenario.write_text(LONG.replace("100", "1").replace("1s", "1ms"))
    ended = lab.run(scenario, "--backend", "docker", "--keep")
    (folder,) = ended.results
    project = f"lab-{folder.name.rpartition('-')[2]}-1"
    remove = f"docker compose -p {project} down"
    client = docker.from_env()
    label: dict[str, str | list[str] | bool] = {"label": f"com.docker.compose.project={project}"}
    try:
        assert ended.code == 0, ended.out + ended.err
        assert f"kept; to remove: {remove}" in ended.err
        kept = client.containers.list(filters=label)
        assert "prefork" in {each.labels["com.docker.compose.service"] for each in kept}
    finally:
        subprocess.run(remove.split(), check=True, capture_output=True)
    assert client.containers.list(all=True, filters=label) == []
    assert client.networks.list(filters=label) == []
    client.close()


REPEATED = """\
intent: Do repeats tell models apart?
models: [single, epoll]
clients: [{executor: closed, users: 3, messages: 2, demand: sleep=20ms}]
repeats: 5
compare:
  - throughput(epoll) > 2 * throughput(single) with 95%
expect:
  all: [makespan < 2s with 95%]
"""


def test_repeats_are_interleaved_and_meet_the_expectations(lab: Lab, tmp_path: Path) -> None:
    scenario = tmp_path / "repeated.yaml"
    scenario.write_text(REPEATED)
    ended = lab.run(scenario, "--backend", "process")
    assert ended.code == 0, ended.out + ended.err
    begun = re.findall(r"\] (\w+) \((\d) of 5\): starting", ended.err)
    assert begun[:4] == [("single", "1"), ("epoll", "1"), ("epoll", "2"), ("single", "2")]
    assert len(begun) == 10
    assert ended.summary["comparisons"][0]["expectations"][0]["outcome"] == "passed"
    assert ended.summary["rankings"][0]["ranks"] == [["epoll"], ["single"]]
    for case in ended.summary["cases"]:
        low, high = case["intervals"]["throughput_per_s"]
        assert low <= case["measures"]["throughput_per_s"] <= high
        assert [run["slug"] for run in case["runs"]] == [f"{case['name']}/{n}" for n in range(1, 6)]
    (folder,) = ended.results
    again = lab.orchestrate("report", folder)
    assert (again.code, again.summary) == (0, ended.summary)


@pytest.mark.together
def test_a_disturbed_run_is_repeated_and_kept(lab: Lab, tmp_path: Path) -> None:
    """No run can keep this rule, so that each is disturbed."""
    scenario = tmp_path / "disturbed.yaml"
    scenario.write_text(
        "intent: Is a disturbed run repeated?\nmodels: [single]\nvalidity: [host_busy < -1]\n"
        "clients: [{executor: closed, users: 1, messages: 1, demand: sleep=1ms}]\n"
    )
    ended = lab.orchestrate(scenario, "--backend", "process", "--out", lab.out)
    case = ended.case("single")
    assert ended.code == 4
    assert [run["slug"] for run in case["runs"]] == ["single+1"]
    assert [run["slug"] for run in case["disturbed"]] == ["single"]
    assert "1 of 2 runs was disturbed by other programs and repeated" in ended.out
    again = lab.orchestrate("report", ended.results[0])
    assert again.code == 4
    assert again.case("single") == case
