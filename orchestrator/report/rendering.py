"""Turns values into markup: the templates, the style sheet, the script, and the security policy.

Text from outside is escaped twice: made printable when it enters a template (``finalize``), and
escaped as markup by Jinja. The style sheet and the script are part of the page, and allowed by
their digests; see "Content Security Policy Level 3", W3C, section 6.7.2.
"""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from orchestrator.report.charts.stages import LANE_STAGES
from orchestrator.report.charts.time_axis import HUES, UNITS
from orchestrator.report.escape import visible

FOLDER = Path(__file__).with_name("templates")
CHART_STYLE = Markup((FOLDER / "charts.css").read_text(encoding="utf-8"))  # noqa: S704 our own
"""Begins with the palette: all colors, light and dark."""

STYLE = CHART_STYLE + Markup((FOLDER / "report.css").read_text(encoding="utf-8"))  # noqa: S704 our own
SCRIPT = Markup((FOLDER / "report.js").read_text(encoding="utf-8"))  # noqa: S704 our own


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def policy(style: str, script: str) -> str:
    """Return the policy of a page that loads nothing, and has this style sheet and this script.

    No other style sheet or script in it has an effect.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src 'sha256-{_digest(style)}'",
            f"script-src 'sha256-{_digest(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _printable(value: object) -> object:
    """Return text from outside as printable text; markup has been made printable before."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


TEMPLATES = Environment(
    loader=FileSystemLoader(FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_printable,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals |= {
    "HUES": HUES,
    "UNITS": UNITS,
    "LANE_STAGES": LANE_STAGES,
    "POLICY": policy(STYLE, SCRIPT),
    "SCRIPT": SCRIPT,
    "STYLE": STYLE,
    "CHART_STYLE": CHART_STYLE,
}
