import pytest

from faultproxy.settings import Settings, SettingsError


def test_settings_are_read_from_the_environment() -> None:
    settings = Settings.from_env(
        {
            "LAB_PROXY_TARGET": "[::1]:3000",
            "LAB_PROXY_SEED": "5",
            "LAB_PROXY_TOXICS": '[{"type": "reset_peer"}]',
            "LAB_WORKERS": "not for us",
            "LAB_PROXY_HOST": "",
        }
    )
    assert (settings.target, settings.seed, settings.host) == (("::1", 3000), 5, "127.0.0.1")
    assert [toxic.kind for toxic in settings.toxics] == ["reset_peer"]


def test_every_variable_that_is_wrong_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(
            {"LAB_PROXY_PRT": "1", "LAB_PROXY_TARGET": "3000", "LAB_PROXY_TOXICS": "latency"}
        )
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        "LAB_PROXY_PRT",
        "LAB_PROXY_TARGET",
        "LAB_PROXY_TOXICS",
    ]


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("TARGET", ":3000", "':3000' is not HOST:PORT"),
        ("TARGET", "lab:0", "'0' is not a whole number from 1 to 65535"),
        ("TARGET", "lab", "'lab' is not HOST:PORT"),
        ("PORT", "65536", "'65536' is not a whole number from 0 to 65535"),
        ("CONTROL_PORT", "-1", "'-1' is not a whole number from 0 to 65535"),
        ("SEED", str(1 << 53), "is not a whole number from 0 to"),
        ("TOXICS", "latency", "'latency' is not JSON"),
        ("TOXICS", "[" * 100_000, "is not JSON"),
        ("TOXICS", "{}", "not a list"),
    ],
)
def test_an_invalid_value_is_one_short_line_that_names_the_variable(
    variable: str, text: str, reason: str
) -> None:
    name = f"LAB_PROXY_{variable}"
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"LAB_PROXY_TARGET": "lab:1", name: text})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{name}: ")
    assert reason in line
    assert len(line) < 200


def test_all_toxics_that_are_wrong_are_named() -> None:
    toxics = '[{"type": "latencies"}, {"type": "latency"}]'
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"LAB_PROXY_TARGET": "lab:1", "LAB_PROXY_TOXICS": toxics})
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.startswith("LAB_PROXY_TOXICS: toxic ") for line in lines)


def test_without_a_target_there_is_none_to_connect_to() -> None:
    with pytest.raises(SettingsError, match=r"^LAB_PROXY_TARGET: missing; write HOST:PORT"):
        Settings.from_env({"LAB_PROXY_TARGET": "", "LAB_TARGET": "lab:1"})


def test_the_secret_is_read_and_not_shown() -> None:
    settings = Settings.from_env({"LAB_PROXY_TARGET": "lab:1", "LAB_RUN_SECRET": "5ec7e7"})
    assert settings.secret == "5ec7e7"  # noqa: S105 of a test
    assert "5ec7e7" not in repr(settings)
