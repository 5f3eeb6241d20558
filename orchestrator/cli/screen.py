"""Tables, progress and colored lines: a console of rich's that shows text from outside as text."""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from orchestrator.cli.streams import progress_stream
from orchestrator.report.escape import printable


class Screen(Console):
    """Standard output, unless ``file`` is given. Prints no control character but its own."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield the segments of ``renderable``, with text that is harmless to print."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(_harmless(text), style)


def _harmless(text: str) -> str:
    """Return ``text`` as `printable` does, with its last line break."""
    return printable(text) + "\n" * text.endswith("\n")


def progress_screen() -> Screen:
    """Return standard error for progress, and for what else is printed during a run."""
    return Screen(file=progress_stream())
