import re

import pytest

from conformance import ROOT
from labkit.server.settings import Choice, Settings, SettingsError, Whole

GOOD: dict[str, dict[str, object]] = {
    "LAB_HOST": {"::1": "::1"},
    "LAB_PORT": {"0": 0, "65535": 65535},
    "LAB_BACKLOG": {"1": 1},
    "LAB_WORKERS": {"1": 1, "1024": 1024},
    "LAB_WORK": {"cpu": "cpu", "sleep": "sleep"},
    "LAB_SERVICE_TIME": {"0s": 0.0, "60s": 60.0},
    "LAB_MAX_MESSAGE_BYTES": {"16": 16, "1048576": 1 << 20},
    "LAB_MAX_SERVICE_TIME": {"10m": 600.0},
    "LAB_IDLE_TIMEOUT": {"off": None, "1s": 1.0},
    "LAB_DRAIN_TIMEOUT": {"1ms": 0.001},
    "LAB_BLOCKING_SLEEP": {"0": False, "1": True},
    "LAB_LOG_FORMAT": {"json": "json", "text": "text"},
    "LAB_LOG_LEVEL": {"trace": "trace", "connections": "connections", "lifecycle": "lifecycle"},
    "LAB_READY_FILE": {"/run/ready": "/run/ready"},
}
BAD = {
    "LAB_PORT": ["-1", "65536", "x", "1.5", "\u0661", "9" * 5000, " 1", "1_0"],
    "LAB_BACKLOG": ["0", "65536"],
    "LAB_WORKERS": ["0", "1025", "five"],
    "LAB_WORK": ["SLEEP", "io"],
    "LAB_SERVICE_TIME": ["2", "-1s", "25m" * 20, "1500m", "61s"],
    "LAB_MAX_MESSAGE_BYTES": ["15", "1048577"],
    "LAB_MAX_SERVICE_TIME": ["1", "1s"],
    "LAB_IDLE_TIMEOUT": ["0s", "never"],
    "LAB_DRAIN_TIMEOUT": ["0s", "off"],
    "LAB_BLOCKING_SLEEP": ["yes", "true", "2"],
    "LAB_LOG_FORMAT": ["JSON"],
    "LAB_LOG_LEVEL": ["debug"],
}


@pytest.mark.parametrize("variable", GOOD)
def test_a_good_value_is_read(variable: str) -> None:
    name = variable.removeprefix("LAB_").lower()
    for text, value in GOOD[variable].items():
        settings = Settings.from_env({variable: text})
        field = name if hasattr(settings, name) else f"{name}_s"
        assert getattr(settings, field) == value


@pytest.mark.parametrize("variable", BAD)
def test_a_bad_value_is_one_line_that_names_the_variable(variable: str) -> None:
    for text in BAD[variable]:
        with pytest.raises(SettingsError) as raised:
            Settings.from_env({variable: text})
        message = str(raised.value)
        assert variable in message
        assert "\n" not in message
        assert len(message) < 400


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_env({variable: texts[0] for variable, texts in BAD.items()})
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == list(BAD)


def test_nothing_set_or_set_to_nothing_is_the_default() -> None:
    assert Settings.from_env({}) == Settings() == Settings.from_env(dict.fromkeys(GOOD, ""))


def test_a_default_demand_over_the_limit_is_refused() -> None:
    with pytest.raises(SettingsError, match="LAB_SERVICE_TIME: 2s is over LAB_MAX_SERVICE_TIME"):
        Settings.from_env({"LAB_MAX_SERVICE_TIME": "1s"})


@pytest.mark.parametrize("typo", ["LAB_WORKER", "LAB_SERVICE_TIME_S", "LAB_BACKLOGS", "LAB_PROT"])
def test_a_typo_is_not_ignored(typo: str) -> None:
    with pytest.raises(SettingsError, match=f"{typo}: no such variable; did you mean LAB_"):
        Settings.from_env({typo: "1"})


def test_no_variable_of_the_lab_is_taken_for_a_typo() -> None:
    """A person's shell may hold what is for the client, the conductor or Compose."""
    names = re.findall(r"LAB_[A-Z_]+", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    Settings.from_env(dict.fromkeys(names, ""))


LOCK, BOUND = Choice("lock", ("file", "memory")), Whole("bound", default=8, low=1, high=64)


def test_a_model_s_own_settings_are_read_like_the_others() -> None:
    read = Settings.from_env({"LAB_LOCK": "memory", "LAB_BOUND": "64"}, (LOCK, BOUND))
    assert (LOCK.of(read), BOUND.of(read)) == ("memory", 64)
    default = Settings.from_env({"LAB_LOCK": ""}, (LOCK, BOUND))
    assert (LOCK.of(default), BOUND.of(default)) == ("file", 8)


@pytest.mark.parametrize(
    ("variable", "text", "allowed"),
    [("LAB_LOCK", "none", "file, memory"), ("LAB_BOUND", "65", "from 1 to 64")],
)
def test_a_bad_value_of_an_own_setting_is_one_line(variable: str, text: str, allowed: str) -> None:
    with pytest.raises(SettingsError, match=f"^{variable}: .*{text}.*{allowed}$"):
        Settings.from_env({variable: text}, (LOCK, BOUND))


def test_a_misspelt_own_setting_is_not_ignored() -> None:
    with pytest.raises(SettingsError, match="LAB_BOUNDS: no such variable; did you mean LAB_BOUND"):
        Settings.from_env({"LAB_BOUNDS": "2"}, (BOUND,))
