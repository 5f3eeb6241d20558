"""The values of a reproduction."""

import pytest
from pydantic import ValidationError

from orchestrator.results.reproduction import Reproduction
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import (
    OPEN,
    claim,
    reproduction,
)


def test_what_is_written_is_read_again() -> None:
    whole = reproduction(claim(), OPEN)
    assert Reproduction.model_validate_json(whole.model_dump_json()) == whole
    assert whole.claims == [claim(), OPEN]


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValidationError):
        Reproduction.model_validate({**reproduction().model_dump(), "more": 1})
