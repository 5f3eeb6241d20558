"""A version is text as it was written; other decimals are numbers."""

from orchestrator.scenario.versions import (
    WrittenDecimal,
    is_free_threaded,
    is_version,
    version_of,
    with_versions,
)


def test_a_decimal_is_a_number_that_remembers_its_text() -> None:
    written = WrittenDecimal("3.10")
    assert (written, written.text, str(written)) == (3.1, "3.10", "3.1")


def test_only_a_version_is_taken_as_its_text() -> None:
    ten = WrittenDecimal("3.10")
    data = {
        "interpreter": ten,
        "limits": {"cpus": ten},
        "matrix": {"interpreter": [ten, "3.13t"], "cpus": [ten]},
        "points": [{"interpreter": ten, "cpus": ten}],
    }
    assert with_versions(data) == {
        "interpreter": "3.10",
        "limits": {"cpus": 3.1},
        "matrix": {"interpreter": ["3.10", "3.13t"], "cpus": [3.1]},
        "points": [{"interpreter": "3.10", "cpus": 3.1}],
    }
    assert type(with_versions(data)["limits"]["cpus"]) is float


def test_names_are_told_apart() -> None:
    assert [is_version(each) for each in ("3.13", "3.13t", "python:3.13t")] == [True, True, False]
    assert [is_free_threaded(each) for each in ("3.13", "3.13t", "python:3.13t", None)] == [
        False, True, False, False,
    ]  # fmt: skip
    assert [version_of(each) for each in ("3.13", "3.13t")] == ["3.13", "3.13"]
