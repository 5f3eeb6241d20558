"""The one script and the one style sheet of a page, and the policy that lets nothing else run.

Both stand in the page itself, allowed by their digests; see "Content Security Policy Level 3",
W3C, section 6.7.2.
"""

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

TEMPLATES = Path(__file__).with_name("templates")
STYLE = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))  # noqa: S704 our own
SCRIPT = Markup((TEMPLATES / "report.js").read_text(encoding="utf-8"))  # noqa: S704 our own


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


POLICY = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_digest(STYLE)}'",
        f"script-src 'sha256-{_digest(SCRIPT)}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
"""Nothing is loaded from anywhere; of what stands in the page, these two alone have an effect."""
