from pathlib import Path

import pytest

from orchestrator.explore.play import model_text as module
from orchestrator.explore.play.model_text import model_text
from orchestrator.scenario.models import discover_models


@pytest.mark.parametrize("model", discover_models())
def test_each_model_says_in_two_sentences_what_it_does_and_where_connections_wait(
    model: str,
) -> None:
    text = model_text(model)
    does, waits = text.split(". ", 1)
    assert does[0].isupper()
    assert waits.startswith("Excess connections")
    assert text.endswith(".")
    assert len(text.split()) <= 45
    assert "`" not in text


def test_a_model_without_a_program_has_no_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "SERVICES", tmp_path)
    assert model_text("nobody") == ""
