"""The prose of a lesson as markup: paragraphs and commands, with code, emphasis and links' texts.

Only what the lessons use; a picture is left out, since the page draws its own.
"""

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_MARKS = (
    (re.compile(r"`([^`]+)`"), "code"),
    (re.compile(r"\*\*([^*]+)\*\*"), "strong"),
    (re.compile(r"(?<![*\w])\*([^*\s][^*]*)\*(?![*\w])"), "em"),
)


def prose(text: str) -> Markup:
    """Return the Markdown ``text`` as markup."""
    return Markup("\n").join(_blocks(text))


def _blocks(text: str) -> Iterator[Markup]:
    for number, part in enumerate(_FENCE.split(_PICTURE.sub("", text))):
        if number % 2:
            yield Markup("<pre><code>{}</code></pre>").format(part.rstrip())
            continue
        for paragraph in re.split(r"\n\s*\n", part.strip()):
            if paragraph.strip():
                yield Markup("<p>{}</p>").format(_inline(" ".join(paragraph.split())))


def _inline(text: str) -> Markup:
    found = str(escape(_LINK.sub(r"\1", text)))
    for pattern, tag in _MARKS:
        found = pattern.sub(rf"<{tag}>\1</{tag}>", found)
    return Markup(found)  # noqa: S704 escaped before
