"""Starting a server to be watched; tests/e2e/test_watch.py drives and kills one."""

import pytest

from orchestrator.explore.watch.server import DOCKER, WatchedServer, WatchError, settings_of
from orchestrator.results.exit_codes import MisuseError


def test_an_unknown_model_is_misuse() -> None:
    with pytest.raises(MisuseError, match=r"unknown model 'prefrok'; did you mean 'prefork'\?"):
        WatchedServer("prefrok")


def test_it_listens_on_loopback_and_says_all_whatever_the_user_has_set() -> None:
    own = {"LAB_WORKERS": "2", "LAB_HOST": "elsewhere", "LAB_LOG_FORMAT": "json"}
    found = settings_of(own, 3000)
    assert found["LAB_WORKERS"] == "2"
    assert (found["LAB_HOST"], found["LAB_PORT"]) == ("127.0.0.1", "3000")
    assert (found["LAB_LOG_FORMAT"], found["LAB_LOG_LEVEL"]) == ("text", "trace")


@pytest.mark.slow
def test_a_setting_that_is_not_valid_is_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKERS", "none")
    with pytest.raises(MisuseError, match="--watch prefork: prefork: LAB_WORKERS"):
        WatchedServer("prefork")


@pytest.mark.slow
def test_a_container_needs_an_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(WatchError, match=r"--watch prefork: .*docker"):
        WatchedServer("prefork", backend=DOCKER)
