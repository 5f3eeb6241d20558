import re

from orchestrator.explore.play.picture import picture
from orchestrator.explore.play.redraw import predict_cases, redraw
from orchestrator.explore.play.to_scenario import yaml_of
from orchestrator.scenario.load import parse_scenario
from orchestrator.scenario.models import discover_models
from orchestrator.scenario.plan import plan_cases
from tests.unit.orchestrator.explore.play.play_fixtures import CPUS, controls


def drawn(*models: str, **values: int | str) -> str:
    """Return the markup of the picture."""
    return str(redraw(controls(*models, **values), None, CPUS)["picture"])


def test_two_models_share_a_time_axis() -> None:
    markup = drawn("single", "epoll", users=3, messages=1)
    assert re.findall(r"<h3>(.*?)</h3>", markup) == [
        "single", "epoll", "Share of the messages answered within a time",
    ]  # fmt: skip
    one, other = re.findall(r'<g class="ticks".*?</g>', markup, re.DOTALL)
    labels = [re.findall(r">([^<>]+)</text>", each) for each in (one, other)]
    assert (
        labels[0]
        == labels[1]
        == ["0 ms", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms", "300 ms"]
    )


def test_the_figures_are_a_table_for_a_screen_reader() -> None:
    markup = drawn("prefork", users=6)
    assert "<caption>What the twin predicts for the 6 users, 12 messages acked</caption>" in markup
    assert '<th scope="row">longest wait</th><td class="number">200.0 ms</td>' in markup


def test_the_table_says_from_when_its_times_count_if_others_come_before() -> None:
    markup = drawn("prefork", users=5, long_ms=500)
    assert "5 users, 10 messages acked; times count from 50 ms, when they begin, and who" in markup


def test_messages_that_differ_by_the_model_are_those_of_each() -> None:
    markup = drawn(
        "single", "epoll", load="rate", arrivals="constant", rate_per_s=20, seconds=10,
        service_ms=2000, backlog=1,
    )  # fmt: skip
    (caption,) = re.findall("<caption>What the twin predicts for the (.*?)</caption>", markup)
    assert caption == "200 arrivals, 31 messages acked under single, 200 messages acked under epoll"


def test_a_worker_without_work_has_an_empty_lane() -> None:
    markup = drawn("prefork", users=2, workers=4)
    labels = re.findall(r">(worker \d)</text>", markup)
    assert labels == ["worker 1", "worker 2", "worker 3", "worker 4"]
    assert len(re.findall(r'^<path class="k\d" stroke-width', markup, re.MULTILINE)) == 2
    assert "without a connection: 2 of 4 workers" in markup


def test_the_lanes_have_a_legend_with_what_can_be_in_them() -> None:
    (legend,) = re.findall(
        r'<ul class="legend" aria-label="how.*?</ul>', drawn("prefork"), re.DOTALL
    )
    assert re.findall(r"</svg>(.*?)</li>", legend) == [
        "due, but not connected or not sent yet", "wait in the accept queue",
        "wait in the application&#39;s queue", "in service", "a worker keeps a connection",
    ]  # fmt: skip


def test_each_model_says_what_it_does_with_a_connection() -> None:
    assert '<p class="soft play-about">The parent listens and forks;' in drawn("prefork")


def test_messages_that_take_no_time_are_drawn_as_the_connections_of_each_worker() -> None:
    text = yaml_of(controls("prefork", "prefork_epoll", users=8, workers=4))
    scenario = parse_scenario("x", text.replace("sleep=100ms", "sleep=0ms"), discover_models())
    found = predict_cases(plan_cases(scenario), CPUS)
    markup = picture(found.outcomes, found.refused, "users")
    assert "<h3>Connections per worker</h3>" in markup
    assert 'class="lanes"' not in markup
    assert re.findall(r'<text class="value"[^>]*>(\d)</text>', markup) == [*"2222", *"8000"]


def test_a_picture_says_what_it_leaves_out() -> None:
    markup = drawn("prefork", users=200, messages=10)
    assert "Drawn in part: 100 of 200 users and 1000 of 2000 messages are drawn" in markup
    assert "Drawn in part" not in drawn("prefork", users=100, messages=10)


def test_a_model_without_a_twin_has_its_reason_and_the_other_its_picture() -> None:
    markup = drawn("prefork_epoll", "epoll", work="cpu")
    assert "has a twin only for demands that sleep" in markup
    assert markup.count('class="lanes"') == 1


def test_without_any_twin_there_are_only_reasons() -> None:
    markup = drawn("prefork_epoll", work="cpu")
    assert "has a twin only for demands that sleep" in markup
    assert "<table" not in markup
