"""The secret of a run: its programs have it in their environment, and the measured server has not.

It tells the orchestrator and the clients from other programs that can reach a port of the run.
"""

import hmac
from collections.abc import Mapping

SECRET = "LAB_RUN_SECRET"  # noqa: S105 the variable's name


def read_secret(environment: Mapping[str, str]) -> str:
    """Return the secret in ``environment``, empty if there is none."""
    return environment.get(SECRET, "")


def is_secret(expected: str, given: object) -> bool:
    """Return whether ``given`` is the secret ``expected``, in a time that does not depend on it.

    If no secret is set, nothing is.
    """
    if not expected or not isinstance(given, str):
        return False
    return hmac.compare_digest(expected.encode(), given.encode(errors="surrogatepass"))
