from orchestrator.report.environment import environment_rows, printable_lines


def test_nested_values_are_rows_with_dotted_names() -> None:
    values = {"memory_bytes": 2**30, "cpus": None, "on": True, "packages": {"docker": "7.1"},
              "images": ["a", "b"]}  # fmt: skip
    assert list(environment_rows(values)) == [
        ("memory_bytes", "1.0 GiB"), ("cpus", "—"), ("on", "yes"), ("packages.docker", "7.1"),
        ("images", "a, b"),
    ]  # fmt: skip


def test_lines_keep_their_indentation_and_lose_their_markup() -> None:
    assert printable_lines("a:\n  <b>\x1b") == "a:\n  &lt;b&gt;\\x1b"
