import sys
from xml.etree.ElementTree import fromstring

import pytest

from orchestrator.report.escape import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 日本", "naïve 日本"),
        ("a\n b\t c ", "a b c"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u202eabc", r"\u202eabc"),  # would turn the line around
        ("\ud800", r"\ud800"),  # would not encode
    ],
)
def test_nothing_unprintable_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_every_character_can_stand_in_xml_and_be_encoded() -> None:
    everything = visible("".join(map(chr, range(0x3000))) + "\ud800\udfff\ufffe\uffff")
    escaped = everything.replace("&", "&amp;").replace("<", "&lt;")
    assert fromstring(f"<a>{escaped}</a>".encode()).text == everything  # noqa: S314 - our own text
    assert sys.maxunicode > len(everything)
