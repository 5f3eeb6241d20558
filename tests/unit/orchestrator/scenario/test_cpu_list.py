"""Lists of CPUs in a scenario, and what limits say of them."""

import pytest

from orchestrator.measures.expression import parse_expression
from orchestrator.scenario.cpu_list import cpu_list_text, parse_cpu_list
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.server import Limits
from tests.unit.conftest import Load, Problems

GOOD = "intent: x\nmodels: [single]\nclients: [{executor: closed, users: 1, messages: 1}]\n"
FORM = "write the numbers of CPUs, 0 to 1023, e.g. 0, 0-3 or 0-2,6"


@pytest.mark.parametrize(
    ("written", "cpus", "shortest"),
    [
        (3, (3,), "3"),
        ("0", (0,), "0"),
        ("0-3", (0, 1, 2, 3), "0-3"),
        ("6,0-2", (0, 1, 2, 6), "0-2,6"),
        ("0-2,1-4,4", (0, 1, 2, 3, 4), "0-4"),
        ("0,2", (0, 2), "0,2"),
        ("1023", (1023,), "1023"),
    ],
)
def test_a_list_is_read_and_written_as_the_kernel_does(
    load: Load, written: int | str, cpus: tuple[int, ...], shortest: str
) -> None:
    limits = load(f"{GOOD}limits: {{cpuset: {written!r}}}\n").limits
    assert limits.cpuset == written
    assert limits.server_cpus == parse_cpu_list(written) == cpus
    assert cpu_list_text(cpus) == shortest
    assert limits.client_cpus is None


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("all", f"'all' is no list of CPUs; {FORM}"),
        ("'0,'", f"'0,' is no list of CPUs; {FORM}"),
        ("'0 1'", f"'0 1' is no list of CPUs; {FORM}"),
        ("3-1", f"'3-1' has a range that ends before it begins; {FORM}"),
        ("'0,1024'", f"CPU 1024 is out of range; {FORM}"),
        ("-1", f"-1 is a number; {FORM}"),
        ("0.5", f"0.5 is a number; {FORM}"),
        ("true", f"true is a truth value; {FORM}"),
        ("[0, 1]", f"this is a list; {FORM}"),
    ],
)
def test_anything_else_is_refused_with_the_form(
    problems: Problems, written: str, problem: str
) -> None:
    assert problems(f"{GOOD}limits: {{cpuset: {written}}}\n") == [f"4:18: cpuset: {problem}"]


def test_a_list_is_an_axis_and_a_comparison_can_name_its_values(load: Load) -> None:
    text = "matrix: {cpuset: [0, 0-1]}\ncompare: ['throughput(single, cpuset=0-1) > throughput"
    scenario = load(f"{GOOD}limits: {{client_cpuset: 2}}\n{text}(single, cpuset=0)']\n")
    one, two = plan_cases(scenario)
    assert (one.name, two.name) == ("single,cpuset=0", "single,cpuset=0-1")
    assert (one.inputs()["cpus"], two.inputs()["cpus"]) == (1.0, 2.0)
    assert two.settings.limits.client_cpus == (2,)
    assert load(f"{GOOD}limits: {{cpuset: '0,1'}}\n").resolved()["limits"] == {"cpuset": "0,1"}
    assert parse_expression("throughput(single, cpuset=0-1) > 0/s")


def test_the_smaller_of_quota_and_list_counts() -> None:
    assert Limits(cpus=0.5, cpuset="0-1").most_cpus == 0.5
    assert Limits(cpus=3.0, cpuset="0-1").most_cpus == 2.0
    assert Limits(cpuset=5).most_cpus == 1.0
    assert Limits(client_cpuset=5).most_cpus is None
    assert Limits(cpuset="0-1", client_cpuset="1-2").shared_cpus == 3.0
    assert Limits(cpuset="0-1").shared_cpus is None


def test_what_cannot_be_used_and_where_programs_ran_is_said_of_each_key() -> None:
    limits = Limits(cpuset="0-3", client_cpuset=7)
    assert list(limits.unusable_cpus(range(2))) == [
        "limits.cpuset: CPUs 2-3 cannot be used here; those that can: 0-1",
        "limits.client_cpuset: CPU 7 cannot be used here; those that can: 0-1",
    ]
    assert not list(limits.unusable_cpus(range(8)))
    assert list(limits.placement()) == [
        "the server could run on CPU 0-3 only (limits.cpuset)",
        "the clients could run on CPU 7 only (limits.client_cpuset)",
    ]
    assert not list(Limits(cpus=1.0).placement())
