"""The models are the services of a Compose file that carry the server's label."""

from pathlib import Path

import pytest

import conformance
from labkit.server.settings import Choice, Whole
from orchestrator.scenario.models import (
    discover_classic,
    discover_ignored,
    discover_models,
    discover_reloading,
    discover_twins,
    own_settings,
    read_models,
)
from orchestrator.scenario.server import ServerSettings

COMPOSE = """\
services:
  zebra:
    image: x
    labels:
      lab.role: server
      lab.twin: one-at-a-time
      lab.ignores: workers backlog
      lab.classic: "true"
      lab.setting.lock: file|memory
      lab.setting.bound: 1..64=8
      lab.workers: bound
  client:
    image: x
    labels: {lab.role: client, lab.twin: one-at-a-time}
  antelope:
    image: x
    labels:
      - lab.role=server
      - a=b=c
  plain: {image: x}
  bare:
    image: x
    labels:
"""


@pytest.fixture
def compose_file(tmp_path: Path) -> Path:
    path = tmp_path / "compose.yaml"
    path.write_text(COMPOSE, encoding="utf-8")
    return path


def test_a_model_ignores_what_its_label_says(compose_file: Path) -> None:
    ignored = discover_ignored(compose_file)
    assert ignored["zebra"] == ["workers", "backlog"]
    assert ignored["antelope"] == ["lock", "bound"]  # no settings of its own


def test_a_model_s_own_settings_are_read_from_its_labels(compose_file: Path) -> None:
    zebra, antelope = read_models(compose_file).values()
    assert zebra.settings == {
        "lock": Choice("lock", ("file", "memory")),
        "bound": Whole("bound", default=8, low=1, high=64, is_workers=True),
    }
    assert (zebra.workers, antelope.workers, antelope.settings) == ("bound", "workers", {})
    assert own_settings(compose_file) == zebra.settings


def test_a_classic_model_says_so(compose_file: Path) -> None:
    assert discover_classic(compose_file) == ["zebra"]
    assert discover_classic() == ["single", "prefork", "threaded", "epoll"]


def test_the_lab_s_models_ignore_keys_that_exist() -> None:
    for keys in discover_ignored().values():
        assert set(keys) <= set(ServerSettings.model_fields)


def test_models_have_the_label_and_the_order_of_the_file(compose_file: Path) -> None:
    assert discover_models(compose_file) == ["zebra", "antelope"]


def test_only_a_model_may_have_a_twin(compose_file: Path) -> None:
    assert discover_twins(compose_file) == {"zebra": "one-at-a-time"}


def test_a_model_reloads_if_it_says_so(compose_file: Path) -> None:
    assert discover_reloading(compose_file) == []
    text = compose_file.read_text(encoding="utf-8").replace("a=b=c", "lab.reload=SIGHUP")
    compose_file.write_text(text, encoding="utf-8")
    assert discover_reloading(compose_file) == ["antelope"]


def test_a_label_in_a_list_is_split_at_its_first_sign(compose_file: Path) -> None:
    text = compose_file.read_text(encoding="utf-8").replace("a=b=c", "lab.twin=b=c")
    compose_file.write_text(text, encoding="utf-8")
    assert discover_twins(compose_file)["antelope"] == "b=c"


def test_each_folder_of_a_model_is_a_service_and_each_service_has_a_folder() -> None:
    assert sorted(discover_models()) == sorted(conformance.discover_models())
