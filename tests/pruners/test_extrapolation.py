from __future__ import annotations

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.special import ndtr

from optuna_nas.pruners._extrapolation import Forecast
from optuna_nas.pruners._extrapolation import forecast


STEPS = np.arange(1.0, 11.0)
CURVES = {
    "a power": lambda x: 0.9 - 0.5 * x**-1.2,
    "an exponential": lambda x: 0.9 - 0.6 * np.exp(-x / 6),
    "a sigmoid": lambda x: 0.1 + 0.8 / (1 + (x / 5) ** -3),
    "a logarithm": lambda x: 0.9 - 0.4 / np.log(x + 1),
    "a falling loss": lambda x: 0.3 + 2 * x**-0.8,
}


@pytest.mark.parametrize("name", CURVES)
def test_the_end_of_a_curve_without_noise_is_foreseen(name: str) -> None:
    curve = CURVES[name]
    values = curve(STEPS)
    ahead = forecast(STEPS, values, 30, float(np.ptp(values)))
    assert abs(ahead.mean - curve(30.0)) < 3 * ahead.deviation
    assert ahead.deviation < 0.15 * np.ptp(values)


def test_the_farther_the_horizon_the_less_is_known() -> None:
    values = CURVES["an exponential"](STEPS) + 0.02 * np.sin(7 * STEPS)
    known = [forecast(STEPS, values, horizon, 0.6).deviation for horizon in (11, 20, 40, 100)]
    assert known == sorted(known)


def test_curves_with_more_noise_are_less_certain() -> None:
    noise = np.random.default_rng(0).normal(size=len(STEPS))
    known = [
        forecast(STEPS, CURVES["a power"](STEPS) + by * noise, 30, 0.6).deviation
        for by in (0.0, 0.02, 0.1)
    ]
    assert known == sorted(known)


@settings(max_examples=30)
@given(
    values=st.lists(st.floats(-1, 1), min_size=4, max_size=12),
    factor=st.sampled_from([-1.0, 1e-6, -1e9]),
    shift=st.sampled_from([0.0, 3.0]),
    unit=st.sampled_from([1.0, 7.0, 1e12]),
)
def test_units_of_values_and_steps_do_not_matter(
    values: list[float], factor: float, shift: float, unit: float
) -> None:
    steps, y = np.arange(1.0, len(values) + 1), np.array(values)
    one = forecast(steps, y, 20, 1.0)
    moved = (y + shift) * factor
    other = forecast(steps * unit, moved, 20 * unit, abs(factor))
    assert other.mean / factor - shift == pytest.approx(one.mean, abs=1e-6)
    assert other.deviation / abs(factor) == pytest.approx(one.deviation, abs=1e-6)


def test_steps_may_begin_at_zero_and_have_gaps() -> None:
    curve = CURVES["an exponential"]
    steps = np.array([0.0, 1, 2, 4, 5, 9, 10])
    ahead = forecast(steps, curve(steps), 30, 0.6)
    assert abs(ahead.mean - curve(30.0)) < 3 * ahead.deviation


def test_ends_of_noisy_curves_are_about_as_often_outside_as_is_said() -> None:
    rng = np.random.default_rng(0)
    below = []
    for _ in range(200):
        end, begin, power = rng.uniform(0.7, 1), rng.uniform(0.1, 0.5), rng.uniform(0.3, 2)
        x = np.arange(1.0, 21)
        y = end - (end - begin) * x**-power + rng.normal(0, 0.01, 20)
        ahead = forecast(x[:8], y[:8], 20, 0.7)
        below.append(ahead.weights @ ndtr((y[-1] - ahead.means) / ahead.deviations))
    assert 0.005 <= np.mean(np.array(below) < 0.05) <= 0.12
    assert 0.005 <= np.mean(np.array(below) > 0.95) <= 0.12


def test_a_corrected_forecast_has_moved_and_is_wider() -> None:
    ahead = Forecast(np.array([0.3, 0.7]), np.array([0.0, 1.0]), np.array([0.1, 0.2]))
    there = ahead.corrected(2.0, 3.0)
    assert there.mean == pytest.approx(ahead.mean + 2 * ahead.deviation)
    assert there.deviation == pytest.approx(3 * ahead.deviation)


def test_draws_have_the_mean_and_deviation_that_are_told() -> None:
    ahead = Forecast(np.array([0.3, 0.7]), np.array([0.0, 1.0]), np.array([0.1, 0.2]))
    draws = ahead.draws(20_000, np.random.default_rng(0))
    assert draws.mean() == pytest.approx(ahead.mean, abs=0.02)
    assert draws.std() == pytest.approx(ahead.deviation, abs=0.02)
