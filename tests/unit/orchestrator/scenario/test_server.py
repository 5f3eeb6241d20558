"""A target in a scenario, which is measured without an event log."""

from pathlib import Path

import pytest
import yaml

from labkit.server.settings import Settings
from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.server_measures import FROM_LOG, OF_SERVICE
from orchestrator.results.server_log import log_of
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.yaml_document import ScenarioError
from tests.unit.orchestrator.analysis.evidence_fixtures import Sent, evidence, replica

BASE = "intent: x\nclients: [{executor: closed, users: 1, messages: 1}]\n"


def load(path: Path, text: str) -> Scenario:
    path.write_text(BASE + text, encoding="utf-8")
    return load_scenario(path, ["single", "epoll"])


def test_a_target_runs_alone_or_beside_models(scenario_file: Path) -> None:
    alone = load(scenario_file, "target: {name: mine, image: x}\nexpect: {mine: [acked == 1]}\n")
    assert alone.models == ("mine",)
    both = load(
        scenario_file,
        "target: {command: [./it, '{port}']}\nmodels: [epoll]\n"
        "compare: [p99(target) < p99(epoll)]\n",
    )
    assert both.models == ("epoll", "target")
    assert both.target_of("target") is both.target
    assert both.target_of("epoll") is None
    scenario_file.write_text(Path(scenario_file).read_text() + "repeats: 2\n")
    again = load_scenario(scenario_file, None)
    assert again.models == both.models


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("{}", "3:9: name: a target needs exactly one of image, command, address"),
        ("{image: x, address: 'localhost:1'}",
         "3:29: address: a target needs exactly one of image, command, address"),
        ("{name: epoll, image: x}",
         "3:16: name: epoll is a reserved name; give the target another name"),
        ("{name: client, image: x}",
         "3:16: name: client is a reserved name; give the target another name"),
        ("{command: []}", "3:19: command: the list is empty; write the program and its arguments"),
        ("{address: nowhere}", "3:19: address: 'nowhere' is not an address; write HOST:PORT"),
        ("{address: 'example.com:80'}",
         "3:19: address: example.com is not this machine; write remote: true if you are "
         "allowed to put it under load"),
        ("{image: x, port: 0}",
         "3:26: port: 0 is out of range; allowed: a whole number from 1 to 65535"),
        ("{img: x}", "3:10: unknown key 'img'; did you mean 'image'? allowed: name, image, "
         "command, address, port, confined, remote, conformance"),
    ],
)  # fmt: skip
def test_a_bad_target_says_what_is_allowed(scenario_file: Path, target: str, problem: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        load(scenario_file, f"target: {target}\n")
    found = [str(each).removeprefix(f"{scenario_file}:") for each in refusal.value.problems]
    assert found == [problem]


@pytest.mark.parametrize("address", ["127.0.0.1:80", "localhost:3000", "[::1]:3000"])
def test_this_machine_may_be_put_under_load(scenario_file: Path, address: str) -> None:
    target = load(scenario_file, f"target: {{address: '{address}'}}\n").target
    assert target is not None
    assert target.endpoint[1] == int(address.rpartition(":")[2])
    elsewhere = load(scenario_file, "target: {address: 'example.com:80', remote: true}\n").target
    assert elsewhere is not None
    assert elsewhere.endpoint == ("example.com", 80)


def test_what_only_the_server_could_tell_is_unknown() -> None:
    told = evidence([replica(0, [Sent(0, 1, 101), Sent(1, 2, 201)])], [], has_event_log=False)
    found = analyse(type(told)(**{**vars(told), "log": log_of([])}))
    assert found.inconsistencies == []
    assert found.measures["acked"] == 2
    assert found.measures["response_time_max"] == pytest.approx(0.201)
    unknown = (*FROM_LOG, *OF_SERVICE, "cpu_time", "peak_memory", "host_busy")
    assert {found.measures[name] for name in unknown} == {None}
    assert found.groups["clients"]["peak_in_service"] is None
    assert found.measures["time_in_unattributed"] == pytest.approx((0.1008 + 0.2008) / 2, abs=2e-3)


@pytest.mark.parametrize("written", ["off", "'off'", "OFF", '"off"', "false", "no"])
def test_an_idle_timeout_may_be_off_as_the_page_says(scenario_file: Path, written: str) -> None:
    scenario = load(scenario_file, f"server: {{idle_timeout: {written}}}\n")
    assert scenario.server.environment() == {"LAB_IDLE_TIMEOUT": "off"}
    assert Settings.from_env(scenario.server.environment()).idle_timeout_s is None
    scenario_file.write_text(yaml.safe_dump(scenario.resolved()))
    assert load_scenario(scenario_file, None) == scenario


def test_an_idle_timeout_that_is_off_may_be_an_axis_or_a_variable(scenario_file: Path) -> None:
    scenario = load(scenario_file, "matrix: {idle_timeout: [off, 1s]}\n")
    assert scenario.matrix == {"idle_timeout": ("off", "1s")}
    text = "variables: {t: 1s}\nserver: {idle_timeout: $t}\n"
    scenario_file.write_text(BASE + text)
    scenario = load_scenario(scenario_file, ["single"], {"t": "off"})
    assert scenario.server.idle_timeout == "off"
    with pytest.raises(ScenarioError, match="already in the list"):
        load(scenario_file, "matrix: {idle_timeout: [off, 'off']}\n")
    with pytest.raises(ScenarioError, match="idle_timeout: on is a truth value if unquoted"):
        load(scenario_file, "server: {idle_timeout: on}\n")


def test_an_argument_of_a_command_is_text_that_a_program_can_get(scenario_file: Path) -> None:
    good = load(scenario_file, 'target: {command: [./it, "\\ud83d\\ude00", "\\e\\t"]}\n')
    assert good.target is not None
    assert good.target.command == ("./it", "\U0001f600", "\x1b\t")
    for bad, reason in ((r"\ud83d", "half a character"), (r"a\0b", "the character NUL")):
        with pytest.raises(ScenarioError, match=f":3:26: the text has {reason}"):
            load(scenario_file, f'target: {{command: [./it, "{bad}"]}}\n')
