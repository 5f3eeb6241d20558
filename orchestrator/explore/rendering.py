"""The templates of the page; they may use those of the report, and escape text as these do."""

from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader

from orchestrator.report import rendering

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"

TEMPLATES = rendering.TEMPLATES.overlay(
    loader=ChoiceLoader(
        [FileSystemLoader(FOLDER / "templates"), FileSystemLoader(rendering.FOLDER)]
    )
)


def render(template: str, **values: object) -> str:
    """Return the markup that ``template`` makes of ``values``."""
    return TEMPLATES.get_template(template).render(**values)
