"""Formulas against values that are printed in textbooks, and against each other."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.twin.formulas import UnstableError, erlang_c, m_d_1, m_g_1, m_g_inf, m_m_c

# Hillier and Lieberman, "Introduction to Operations Research", chapter "Queueing Theory", the
# county hospital's emergency room: λ = 2 an hour, μ = 3 an hour, one doctor or two.
HOUR_S = 3600.0


def test_hillier_and_lieberman_one_doctor() -> None:
    one = m_m_c(2 / HOUR_S, HOUR_S / 3, 1)
    assert one.formula == "M/M/1"
    assert one.utilization == pytest.approx(2 / 3)
    assert one.queue_length == pytest.approx(4 / 3)
    assert one.waiting_time_s == pytest.approx(2 / 3 * HOUR_S)
    assert one.response_time_s == pytest.approx(1 * HOUR_S)


def test_hillier_and_lieberman_two_doctors() -> None:
    two = m_m_c(2 / HOUR_S, HOUR_S / 3, 2)
    assert two.utilization == pytest.approx(1 / 3)
    assert two.queue_length == pytest.approx(1 / 12)
    assert two.waiting_time_s == pytest.approx(1 / 24 * HOUR_S)
    assert two.response_time_s == pytest.approx(3 / 8 * HOUR_S)


@pytest.mark.parametrize(
    ("workers", "share", "waits"),
    [
        # C(1, ρ) = ρ; C(2, 2ρ) = 2ρ²/(1 + ρ): Kleinrock 1975, 3.40 worked out for one and two
        (1, 0.7, 0.7),
        (2, 0.5, 2 * 0.25 / 1.5),
        (2, 0.9, 2 * 0.81 / 1.9),
        # c = 3, a = 2: (8/6)·3 / (1 + 2 + 2 + (8/6)·3) = 4/9
        (3, 2 / 3, 4 / 9),
    ],
)
def test_erlang_c(workers: int, share: float, waits: float) -> None:
    assert erlang_c(workers * share, workers) == pytest.approx(waits)


def test_erlang_c_of_many_workers_does_not_overflow() -> None:
    assert 0 < erlang_c(990.0, 1000) < 1


def test_m_d_1_waits_half_as_long_as_m_m_1() -> None:
    """Kleinrock 1975, 5.7: the mean wait is proportional to 1 + C²."""
    assert m_d_1(0.8, 1.0).waiting_time_s == pytest.approx(2.0)
    assert m_d_1(0.8, 1.0).waiting_time_s * 2 == pytest.approx(m_m_c(0.8, 1.0, 1).waiting_time_s)


def test_pollaczek_and_khinchine() -> None:
    """Gross and Harris 1998, 5.1: Wq = λ E[S²] / (2 (1 - ρ)); here S is 0.5 or 1.5, evenly."""
    second_moment = (0.25 + 2.25) / 2
    found = m_g_1(0.6, 1.0, scv=second_moment - 1)
    assert found.waiting_time_s == pytest.approx(0.6 * second_moment / (2 * 0.4))


@given(share=st.floats(0.01, 0.99), service_s=st.floats(1e-4, 100))
def test_exponential_service_is_a_case_of_any_service(share: float, service_s: float) -> None:
    rate = share / service_s
    assert m_g_1(rate, service_s, 1.0).waiting_time_s == pytest.approx(
        m_m_c(rate, service_s, 1).waiting_time_s
    )


@given(share=st.floats(0.01, 0.99), quantile=st.floats(0.01, 0.999))
def test_the_response_time_of_m_m_1_is_exponential(share: float, quantile: float) -> None:
    """Kleinrock 1975, 5.5: with mean 1 / (μ - λ)."""
    found = m_m_c(share, 1.0, 1)
    assert found.quantile_s is not None
    expected_s = -math.log(1 - quantile) / (1 - share)
    assert found.quantile_s(quantile) == pytest.approx(expected_s, rel=1e-6)


@given(workers=st.integers(1, 50), share=st.floats(0.05, 0.95))
@settings(max_examples=20, deadline=None)
def test_the_mean_is_the_integral_of_the_quantiles(workers: int, share: float) -> None:
    found = m_m_c(share * workers, 1.0, workers)
    assert found.quantile_s is not None
    steps = 200
    mean_s = sum(found.quantile_s((n + 0.5) / steps) for n in range(steps)) / steps
    assert mean_s == pytest.approx(found.response_time_s, rel=0.02)


def test_with_as_many_workers_as_it_takes_nobody_waits() -> None:
    assert m_g_inf(1000.0, 1.0).response_time_s == 1.0


@pytest.mark.parametrize("workers", [1, 3])
def test_an_overloaded_queue_has_no_steady_state(workers: int) -> None:
    with pytest.raises(UnstableError, match="the queue grows without limit"):
        m_m_c(workers, 1.0, workers)
