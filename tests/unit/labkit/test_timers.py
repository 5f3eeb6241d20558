from labkit.timers import Timers


def test_timers_fire_in_order_and_once() -> None:
    timers, fired = Timers(), list[str]()
    timers.after(0.0, lambda: fired.append("a"))
    timers.after(0.0, lambda: fired.append("b"))
    cancelled = timers.after(0.0, lambda: fired.append("never"))
    timers.after(60.0, lambda: fired.append("late"))
    timers.cancel(cancelled)
    timers.fire()
    timers.fire()
    assert fired == ["a", "b"]
    assert len(timers) == 1
    wait_s = timers.wait_s()
    assert wait_s is not None
    assert 59 < wait_s <= 60


def test_cancelled_timers_do_not_pile_up() -> None:
    timers = Timers()
    for _ in range(10_000):
        timers.cancel(timers.after(60.0, lambda: None))
    assert len(timers) == 0
    assert len(vars(timers)["_due"]) < 100
    assert timers.wait_s() is None
