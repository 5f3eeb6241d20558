"""Colors of the style sheet are distinguishable, in both themes."""

import re

import pytest

from orchestrator.report.rendering import STYLE

COLOURS = {
    name: both
    for name, *both in re.findall(r"--(\w+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", STYLE)
}
WORDS = ("ink", "soft", "good", "bad", "doubt")
MARKS = ("lag", "accept", "queue", "answer", *(f"k{hue}" for hue in range(8)), "fault", "focus")
FILLED_WITH_WORDS = ("lag", "accept", "k1", "k3", "k4", "k5", "k6", "k7")
THEMES = pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb``; WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio; WCAG 2.2."""
    low, high = sorted(luminance(each) for each in (one, other))
    return (high + 0.05) / (low + 0.05)


@THEMES
@pytest.mark.parametrize("name", WORDS)
def test_words_can_be_read_on_page_and_card(name: str, theme: int) -> None:
    for ground in ("page", "card"):
        assert contrast(COLOURS[name][theme], COLOURS[ground][theme]) >= 4.5


@THEMES
@pytest.mark.parametrize("name", MARKS)
def test_marks_stand_out_from_the_card(name: str, theme: int) -> None:
    assert contrast(COLOURS[name][theme], COLOURS["card"][theme]) >= 3


@THEMES
@pytest.mark.parametrize("name", FILLED_WITH_WORDS)
def test_words_in_bars_can_be_read(name: str, theme: int) -> None:
    assert contrast(COLOURS["card"][theme], COLOURS[name][theme]) >= 4.5


def test_no_color_is_defined_outside_the_palette() -> None:
    """One place to change, one place to check."""
    rules = STYLE.partition("}")[2]
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(", rules) == []
