"""What a file of any kind gets for errors of the validation library."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, ValidationError

from orchestrator.scenario.explain import explained
from orchestrator.scenario.fields import Text, invalid_value
from orchestrator.scenario.server import Section
from orchestrator.scenario.yaml_document import read_document


def _refuse(text: str) -> str:
    raise invalid_value(f"{text} is never right", column=2)


class Shelf(Section):
    """A map for these tests."""

    name: Text
    never: Annotated[Text, AfterValidator(_refuse)] = ""


@pytest.mark.parametrize(
    ("written", "problems"),
    [
        ("name: 5", ["1:7: name: 5 is a number; write text, in quotes if it looks like a number"]),
        ("{}", ["1:1: missing key 'name'; keys here: name, never"]),
        ("nam: a", ["1:1: unknown key 'nam'; did you mean 'name'? allowed: name, never"]),
        ("name: a\nnever: abc", ["2:9: never: abc is never right"]),
        ("name: no", ["1:7: name: no is a truth value if unquoted; write text, in quotes if it "
                      "looks like a number"]),
        ("name: [a]\ncolour: red",
         ["1:7: name: this is a list; write text, in quotes if it looks like a number",
          "2:1: unknown key 'colour'; allowed: name, never"]),
        ("name:\n", ["1:6: no value; write one or leave it out"]),
    ],
)  # fmt: skip
def test_every_problem_is_reported_once_at_its_place(
    tmp_path: Path, written: str, problems: list[str]
) -> None:
    path = tmp_path / "shelf.yaml"
    path.write_text(written + "\n")
    document = read_document(path)
    with pytest.raises(ValidationError) as found:
        Shelf.model_validate(document.data)
    error = explained(found.value, document, lambda _: list(Shelf.model_fields))
    assert str(error).splitlines() == [f"{path}:{problem}" for problem in problems]
