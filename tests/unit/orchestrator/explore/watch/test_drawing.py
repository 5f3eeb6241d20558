"""The lanes of the last seconds, and the same in words."""

import re

from orchestrator.explore.watch.drawing import (
    LEGEND,
    MOST_LANES,
    MOST_SERVICES_DRAWN,
    counts,
    draw,
    shown_connections,
)
from orchestrator.explore.watch.narration import Said
from orchestrator.explore.watch.window import SPAN_NS, Window
from orchestrator.report.charts.time_axis import UNITS
from tests.unit.orchestrator.explore.watch.watch_fixtures import NOW_NS, fake_server
from tests.unit.orchestrator.report.report_fixtures import HOSTILE

BUSY = (
    Said("worker_started", 0, about=1),
    Said("worker_started", 0, about=2),
    Said("accepted", 1, conn="1.1", port=40_001),
    Said("request_started", 1, conn="1.1", request="a"),
    Said("request_acked", 1, conn="1.1", request="a"),
    Said("accepted", 0, conn="0.1", port=40_002),
    Said("request_started", 1, conn="1.1", request="b"),
)


def test_a_server_without_clients_has_its_workers() -> None:
    markup = draw(fake_server(*BUSY[:2]).view(), "prefork")
    assert markup.count(">worker 2</text>") == 1
    assert "No connection yet" in markup
    assert "Drawn in part" not in markup


def test_every_worker_and_connection_has_a_lane_and_words() -> None:
    server = fake_server(*BUSY)
    server.view()
    markup = draw(server.view(), "prefork")
    assert re.findall(r">(worker \d|port \d+)</text>", markup) == [
        "worker 1", "worker 2", "port 40001", "port 40002",
    ]  # fmt: skip
    assert markup.count('class="service k1"') == 2  # in the lane of the worker, and of its client
    assert '<th scope="row">port 40001</th><td>1</td><td>in service: b</td><td>1</td>' in markup
    assert "<td>accepted, with no worker</td>" in markup
    assert [count for _, count in counts(server.view())] == [2, 1, 1, 0, 2, 1]
    assert "-30 s" in markup
    assert ">now</text>" in markup


def test_a_message_that_no_worker_holds_is_counted_once() -> None:
    """An event loop keeps the connections, and a pool behind it serves."""
    accepted = Said("accepted", 0, conn="0.1", port=1)
    serving = Said("request_started", 2, conn="0.1", request="a")
    assert [count for _, count in counts(fake_server(accepted).view())] == [1, 0, 1, 0, 1, 0]
    assert [count for _, count in counts(fake_server(accepted, serving).view())] == [
        1, 1, 0, 0, 1, 0,
    ]  # fmt: skip


def test_a_bar_ends_where_the_window_does() -> None:
    window = Window()
    window.take(Said("accepted", 1, conn="1.1", port=1), 0)
    window.take(Said("request_started", 1, conn="1.1", request="a"), 0)
    markup = draw(window.view(2 * SPAN_NS), "single")
    bars = re.findall(r'd="M(\d+) [\d.]+h(\d+)"', markup)
    assert bars
    assert set(bars) == {("0", str(UNITS))}


def test_a_client_that_waits_in_the_kernel_is_drawn() -> None:
    window = Window()
    window.note_waiting({40_003}, NOW_NS - 10**9)
    markup = draw(window.view(NOW_NS), "prefork")
    assert 'class="accept"' in markup
    assert "<td>waits to be accepted</td>" in markup


def test_open_connections_have_a_lane_before_those_that_have_ended() -> None:
    window = Window()
    for number in range(MOST_LANES + 2):
        window.take(Said("accepted", 1, conn=f"1.{number}", port=number + 1), NOW_NS + number)
        if number < 3:
            closed = Said("connection_closed", 1, conn=f"1.{number}", reason="eof")
            window.take(closed, NOW_NS + number)
    view = window.view(NOW_NS + MOST_LANES + 2)
    shown = shown_connections(view)
    assert [each.port for each in shown] == [3, *range(4, MOST_LANES + 3)]
    assert "2 more connections have no lane" in draw(view, "prefork")


def test_many_messages_are_drawn_in_part() -> None:
    window = Window()
    window.take(Said("accepted", 1, conn="1.1", port=1), NOW_NS)
    for number in range(MOST_SERVICES_DRAWN + 1):
        for event in ("request_started", "request_acked"):
            window.take(Said(event, 1, conn="1.1", request="a"), NOW_NS + number)
    markup = draw(window.view(NOW_NS + 10**9), "prefork")
    assert f"only the last {MOST_SERVICES_DRAWN} messages" in markup


def test_what_a_client_sends_is_no_markup() -> None:
    accepted = Said("accepted", 1, conn="1.1", port=1)
    serving = Said("request_started", 1, conn="1.1", request=HOSTILE)
    markup = draw(fake_server(accepted, serving).view(), "prefork")
    assert "in service" in markup
    assert "<script" not in markup
    long = Said("request_started", 1, conn="1.1", request="x" * 250)
    assert "x" * 30 not in draw(fake_server(accepted, long).view(), "prefork")


def test_the_legend_has_every_style_that_is_drawn() -> None:
    markup = draw(fake_server(*BUSY).view(), "prefork")
    drawn = set(re.findall(r'<path class="([^"]+)" stroke-width', markup))
    assert drawn <= {style for style, _, _ in LEGEND}
    assert len(drawn) == len(LEGEND) - 1  # nothing waits in the kernel
