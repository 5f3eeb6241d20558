import pytest

from labkit.wire.secret import SECRET, is_secret, read_secret


def test_the_secret_of_the_environment_is_known() -> None:
    assert is_secret(read_secret({SECRET: "5ec7e7"}), "5ec7e7")


@pytest.mark.parametrize("given", ["", "5ec7e8", "5ec7e7 ", None, 5, ["5ec7e7"], "\ud800", "\xe9"])
def test_anything_else_is_not(given: object) -> None:
    assert not is_secret("5ec7e7", given)


@pytest.mark.parametrize("given", ["", "5ec7e7", None])
def test_without_a_secret_nothing_is_known(given: object) -> None:
    assert not is_secret(read_secret({}), given)
