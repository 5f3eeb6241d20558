"""The key ``place`` of a client group."""

from pathlib import Path

import pytest

from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.yaml_document import ScenarioError
from tests.unit.orchestrator.scenario.test_estimate import scenario

GROUP = "{executor: closed, name: %s, users: 2, messages: 1, replicas: 2%s}"


def groups(place: str) -> str:
    return f"{GROUP % ('near', '')}, {GROUP % ('far', f', place: {place}')}"


def test_the_replicas_of_a_group_are_placed_in_the_order_of_the_groups(tmp_path: Path) -> None:
    found = scenario(tmp_path, groups("{host: my.laptop-2}"))
    case = plan_cases(found)[0]
    assert case.placed_on == ("", "", "my.laptop-2", "my.laptop-2")
    assert [order.placed_on for order in case.orders] == ["", "my.laptop-2"]
    written = found.resolved()["clients"]
    assert "place" not in written[0]
    assert written[1]["place"] == {"host": "my.laptop-2"}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("laptop", "write a map"),
        ("{}", "missing key 'host'"),
        ("{host: 7}", "7 is a number; write the name of a host in the hosts file"),
        ("{host: a b}", "'a b' is not a name; write the name of a host in the hosts file"),
        ("{hots: a}", "unknown key 'hots'; did you mean 'host'"),
    ],
)
def test_an_invalid_place_is_explained(tmp_path: Path, place: str, message: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        scenario(tmp_path, groups(place))
    assert message in str(refused.value)
