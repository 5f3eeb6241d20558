from tests.unit.orchestrator.explore.play.play_fixtures import controls, said

KEEPS = "each of 5 workers keeps a connection until its client closes it"


def test_the_number_of_users_crosses_that_of_the_workers() -> None:
    assert said(controls("prefork", users=6), controls("prefork", users=5)) == (
        "6 users instead of 5: in prefork one of 6 users, user 5, waits for a worker, and the last "
        f"ack comes at 400 ms (+200 ms), as {KEEPS}."
    )
    assert said(controls("prefork", users=5), controls("prefork", users=6)) == (
        "5 users instead of 6: in prefork no user waits any more, and the last ack comes at 200 ms "
        "(−200 ms), as one of 5 workers is free whenever somebody comes."  # noqa: RUF001 a minus
    )


def test_workers_are_added() -> None:
    fewer, more = controls("prefork", users=12, workers=4), controls("prefork", users=12, workers=8)
    assert said(more, fewer) == (
        "8 workers instead of 4: in prefork 4 of 12 users wait for a worker instead of 8 of 12, "
        "and the last ack comes at 400 ms (−200 ms), "  # noqa: RUF001 a minus
        "as each of 8 workers keeps a connection until its client closes it."
    )


def test_one_at_a_time_beside_a_loop() -> None:
    assert said(controls("single", "epoll", users=3, messages=1)) == (
        "In single 2 of 3 users wait for the only worker, and the last ack comes at 300 ms, as it "
        "keeps a connection until its client closes it. In epoll no user waits, and the last ack "
        "comes at 100 ms, as a message that waits is only a timer in the loop."
    )


def test_a_backlog_that_is_too_small() -> None:
    text = said(controls("prefork", users=12, backlog=2), controls("prefork", users=12))
    assert text.startswith("A backlog of 2 instead of 128: in prefork 9 of 12 users wait")
    assert "the last ack comes at 1.4 s (+800 ms)" in text
    assert text.endswith(
        "closes it. There, 9 connects find the accept queue full (it holds 3) and are tried again "
        "after 1 s, although a worker is idle before that."
    )


def test_one_connect_finds_the_queue_full() -> None:
    text = said(controls("reuseport", users=3, workers=1, backlog=1))
    assert text.endswith(
        ". There, 1 connect finds its accept queue full (it holds 2) and is tried again after 1 s, "
        "although a worker is idle before that."
    )


def test_users_wait_for_a_place_alone() -> None:
    assert said(controls("epoll", users=12, backlog=2)) == (
        "In epoll 9 of 12 users wait for a place in the accept queue, and the last ack comes at "
        "1.2 s, as all places were taken when they came. There, 9 connects find the accept queue "
        "full (it holds 3) and are tried again after 1 s."
    )


def test_connects_fail_in_the_end() -> None:
    many = controls("single", load="rate", arrivals="constant", seconds=10, service_ms=2000)
    text = said(many.with_value("backlog", 1))
    assert text.endswith("tried again after 1 s; 169 of them fail after 131 s.")


def test_a_long_message_blocks() -> None:
    before = controls("prefork", "epoll", users=5)
    text = said(before.with_value("long_ms", 1000), before)
    assert text.startswith(
        "A long message of 1 s instead of none: in prefork one of 5 users, user 4, waits for a "
        "worker, and the last ack comes at 400 ms (+200 ms), as 1 of 5 workers is kept by the long "
        "message for 1 s. In epoll no user waits, and the last ack comes at 200 ms as before"
    )


def test_a_silent_client_blocks() -> None:
    before = controls("single", users=2)
    assert said(before.with_value("silent_ms", 1000), before) == (
        "A client that is silent for 1 s instead of none: in single 2 of 2 users wait for the only "
        "worker instead of 1 of 2, and the last ack comes at 1.35 s (+950 ms), as it is kept by "
        "the silent client for 1 s."
    )


def test_nothing_changes() -> None:
    text = said(controls("prefork"), controls("prefork"))
    assert text.startswith("Nothing changed: in prefork 1 of 6 users waits for a worker, and the")
    assert "comes at 400 ms as before" in text


def test_arrivals_wait_in_the_mean() -> None:
    usual = controls("prefork", load="rate", arrivals="constant", rate_per_s=20, workers=1)
    text = said(usual, usual.with_value("workers", 2))
    assert text.startswith("1 worker instead of 2: in prefork 39 of 40 arrivals wait for the only")
    assert "and the mean wait is 975 ms (+975 ms), as it keeps a connection" in text


def test_another_load_is_not_compared() -> None:
    text = said(controls("epoll", load="rate", arrivals="constant"), controls("epoll"))
    assert text == (
        "Arrivals instead of users: in epoll no arrival waits, and the mean wait is 0 s, as a "
        "message that waits is only a timer in the loop."
    )


def test_without_a_twin_there_is_no_prediction() -> None:
    assert said(controls("prefork_epoll", work="cpu")) == (
        "The twin has no prediction for these controls."
    )
