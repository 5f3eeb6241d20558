"""What a model does with a connection, in the words of its program.

The docstring of each ``services/<model>/server.py`` begins with the model in one line, and its next
paragraph with a sentence on where connections wait which nobody serves yet.
"""

import ast
import re
from functools import cache

from orchestrator.scenario.models import ROOT

SERVICES = ROOT / "services"
_END_OF_SENTENCE = re.compile(r"(?<=\.)\s")


@cache
def model_text(model: str) -> str:
    """Return the two sentences on ``model``; empty if it has no program with a docstring."""
    try:
        source = (SERVICES / model / "server.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    text = ast.get_docstring(ast.parse(source)) or ""
    line, _, rest = text.replace("`", "").partition("\n\n")
    summary = line.partition(": ")[2]
    waiting = _END_OF_SENTENCE.split(rest, maxsplit=1)[0]
    words = " ".join(f"{summary} {waiting}".split())
    return words[:1].upper() + words[1:]
