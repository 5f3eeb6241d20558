"""The certificates with which an engine is reached by TLS, and why it or we refuse one of them."""

import ssl
from collections.abc import Iterator
from pathlib import Path

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import CA, CERTIFICATE, KEY, Endpoint

_ENDED = (ssl.SSLError, ConnectionResetError, BrokenPipeError)
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})
_EXPIRED = "expired"
_OTHER_NAME = "not valid for"


def check_certificates(folder: Path) -> None:
    """Check that the files for TLS are in ``folder`` and fit together.

    Raises:
        BackendError: one is missing, unreadable, not in PEM form, or the key has a password or is
            not that of the certificate.
    """
    ca, certificate, key = (folder / name for name in (CA, CERTIFICATE, KEY))
    for path in (ca, certificate, key):
        if not path.is_file():
            wanted = f"the folder of tls needs {CA}, {CERTIFICATE} and {KEY}"
            raise BackendError(f"there is no {path}; {wanted}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(ca)
    except OSError as exc:
        raise BackendError(f"{ca} is no CA certificate in PEM form ({_reason_of(exc)})") from exc
    try:
        context.load_cert_chain(certificate, key, password=lambda: "")
    except OSError as exc:
        raise BackendError(
            f"{certificate} and {key} are no certificate in PEM form and its key without a "
            f"password ({_reason_of(exc)})"
        ) from exc


def _reason_of(error: OSError) -> str:
    found = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return (found or str(error)).replace("_", " ").lower()


def tls_refusal(error: BaseException, endpoint: Endpoint) -> str:
    """Return which side refused which certificate, and what to do; empty if TLS is not the cause.

    An engine that refuses ours says so after the handshake, or just ends the connection.
    """
    folder = endpoint.certificates
    if folder is None:
        return ""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _refused_by_us(cause.verify_message, folder)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_TLS:
            return "what listens there has no TLS; start its dockerd with --tlsverify"
    if any(isinstance(each, _ENDED) for each in causes):
        return (
            f"it refuses {folder / CERTIFICATE}; is that signed by the CA that its dockerd has as "
            "--tlscacert, for clients, and not expired?"
        )
    return ""


def _refused_by_us(message: str, folder: Path) -> str:
    """Return what to do about the engine's certificate, by what OpenSSL says of it."""
    if _OTHER_NAME in message:
        advice = "write a name into the hosts file that its certificate has (subjectAltName)"
    elif _EXPIRED in message:
        advice = "make a new one for that engine"
    else:
        advice = f"is {folder / CA} the CA that signed it?"
    return f"the engine's certificate is refused: {message.rstrip('.')}; {advice}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield ``error``, what it was raised from, and the errors that these carry as arguments."""
    while error is not None:
        yield error
        yield from (each for each in error.args if isinstance(each, BaseException))
        error = error.__cause__ or error.__context__
