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
