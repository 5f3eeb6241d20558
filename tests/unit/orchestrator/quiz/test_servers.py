"""Each model of a problem serves as its sentence says."""

import pytest

from orchestrator.quiz.dice import Dice
from orchestrator.quiz.servers import Mechanism, Server, draw_server, models_with
from orchestrator.scenario.models import discover_twins
from orchestrator.twin.parameters import Kind


@pytest.mark.parametrize("mechanism", Mechanism)
def test_each_mechanism_has_a_model(mechanism: Mechanism) -> None:
    assert models_with(mechanism)


def test_only_a_split_queue_has_no_problems() -> None:
    asked = {model for each in Mechanism for model in models_with(each)}
    split = {name for name, twin in discover_twins().items() if twin == Kind.PROCESSES_SPLIT}
    assert set(discover_twins()) - asked == split


@pytest.mark.parametrize("mechanism", Mechanism)
def test_a_server_says_how_it_serves_and_with_how_many_workers(mechanism: Mechanism) -> None:
    server = draw_server(Dice(1, "any", 1), [mechanism])
    assert server.sentence.startswith(f"{server.model} ")
    has_pool = mechanism in {Mechanism.POOL, Mechanism.SHARED}
    assert (2 <= server.workers <= 4) == has_pool
    assert (f"{server.workers} " in server.sentence) == has_pool
    assert server.settings.get("blocking_sleep", False) == (mechanism is Mechanism.BLOCKED)


def test_the_words_agree_with_their_number() -> None:
    assert "has 2 workers." in Server("any", Mechanism.POOL, 2).sentence
    assert "a pool of 3 threads." in Server("any", Mechanism.SHARED, 3).sentence
