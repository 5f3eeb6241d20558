"""Text from outside made harmless to show: on one line, every character printable.

A scenario, a log line or an engine's message may hold anything; a terminal obeys escape
sequences, XML forbids most control characters, and a bidirectional override turns a line around.
Does not escape markup; that is for whoever writes markup.
"""


def visible(text: str) -> str:
    """Return ``text`` with runs of white space as one space and the unprintable as escapes."""
    return "".join(map(_visible_char, " ".join(text.split())))


def _visible_char(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def visible_lines(text: str) -> list[str]:
    """Return the lines of ``text``, their indentation kept, with the unprintable as escapes."""
    return ["".join(map(_visible_char, line)) for line in text.splitlines()]
