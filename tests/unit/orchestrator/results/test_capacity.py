import pytest
from pydantic import ValidationError

from orchestrator.results.capacity import NO_FIGURE, Capacity, Limit
from tests.unit.orchestrator.capacity.capacity_fixtures import asked, capacity, without_figure


def test_a_result_survives_being_written_and_read() -> None:
    whole = capacity(asked("epoll", 200, (246, 300)), without_figure(), at=200.0)
    assert Capacity.model_validate_json(whole.model_dump_json()) == whole


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Capacity.model_validate({**capacity().model_dump(), "surprise": 1})


def test_only_limits_that_are_none_of_the_server_have_no_figure() -> None:
    assert {Limit.CLIENTS, Limit.HOST} == NO_FIGURE
