"""The options that name the server to test, for the contract's own `conftest`."""

import pytest

# Before anything imports them: their assertions are explained, too.
pytest.register_assert_rewrite("conformance.target", "conformance.server_process")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that select one server instead of every model."""
    group = parser.getgroup("conformance")
    group.addoption(
        "--target", metavar="HOST:PORT", help="test the server that listens at this address"
    )
    group.addoption("--model", help="test a process of this model only")
