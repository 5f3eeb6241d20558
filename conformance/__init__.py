"""The contract of docs/protocol.md as tests, for the lab's servers and for any other.

`contract` has the tests, `broken_servers` a gallery of servers with one defect each, which the
contract must reject. ``python -m conformance`` runs the contract on one server.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def discover_models() -> list[str]:
    """Return the name of each model, which is that of its folder in ``services/``."""
    return sorted(path.parent.name for path in ROOT.glob("services/*/server.py"))
