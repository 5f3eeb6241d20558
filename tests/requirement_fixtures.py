"""What a test does if something that it needs is not on this machine."""

import os

import pytest


def do_without(requirement: str, lack: str) -> None:
    """Skip the test for a ``lack``, or fail it if the environment sets ``requirement``."""
    if os.environ.get(requirement, "0") not in {"", "0"}:
        pytest.fail(f"{requirement} is set, but {lack}", pytrace=False)
    pytest.skip(lack)
