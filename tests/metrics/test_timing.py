from collections.abc import Callable
from dataclasses import dataclass
from math import comb
import random
from statistics import median

import pytest
import torch

from optuna_nas.metrics import _timing
from optuna_nas.metrics._timing import time_calls


CUDA = torch.device("cuda")


@dataclass
class Clock:
    """Takes the place of the module ``time``. Each call takes a time of its own choosing."""

    durations_ms: Callable[[int], float]
    waiting: float = 0.0
    calls: int = 0
    worked_ms: float = 0.0

    def call(self) -> None:
        self.worked_ms += self.durations_ms(self.calls)
        self.calls += 1

    def thread_time_ns(self) -> float:
        return self.worked_ms * 1e6

    def perf_counter_ns(self) -> float:
        return self.thread_time_ns() * (1 + self.waiting)

    def perf_counter(self) -> float:
        return self.perf_counter_ns() / 1e9


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Clock]:
    def make(durations_ms: Callable[[int], float], waiting: float = 0.0) -> Clock:
        clock = Clock(durations_ms, waiting)
        monkeypatch.setattr(_timing, "time", clock)
        return clock

    return make


def test_a_steady_call_is_timed_with_the_fewest_repeats(clock: Callable[..., Clock]) -> None:
    timing = time_calls(clock(lambda i: 8.0).call)
    assert timing.median_ms == timing.low_ms == timing.high_ms == pytest.approx(8.0)
    assert timing.spread_ms == pytest.approx(0.0)
    assert timing.repeats == 40
    assert not timing.noisy


def test_the_seconds_are_those_of_all_calls(clock: Callable[..., Clock]) -> None:
    steady = clock(lambda i: 8.0)
    timing = time_calls(steady.call)
    assert timing.seconds == pytest.approx(steady.calls * 0.008)


def test_a_call_that_varies_is_repeated_until_the_interval_is_narrow(
    clock: Callable[..., Clock],
) -> None:
    rng = random.Random(0)
    timing = time_calls(clock(lambda i: rng.uniform(8, 12)).call, time_limit=60)
    assert timing.repeats > 40
    assert not timing.noisy
    assert timing.high_ms - timing.low_ms <= 2 * 0.02 * timing.median_ms
    assert timing.median_ms == pytest.approx(10, rel=0.04)
    assert timing.spread_ms == pytest.approx(2, rel=0.3)


def test_a_measurement_that_stays_wide_ends_with_the_time_and_is_called_noisy(
    clock: Callable[..., Clock],
) -> None:
    rng = random.Random(0)
    timing = time_calls(clock(lambda i: rng.uniform(10, 90)).call, time_limit=3)
    assert timing.noisy
    assert 3 <= timing.seconds < 3.1
    assert timing.low_ms < timing.median_ms < timing.high_ms


def test_a_call_longer_than_the_limit_is_timed_once_and_noisy(
    clock: Callable[..., Clock],
) -> None:
    timing = time_calls(clock(lambda i: 7000.0).call, time_limit=5)
    assert timing.median_ms == pytest.approx(7000)
    assert timing.repeats == 1
    assert timing.noisy


def test_it_takes_six_repeats_to_have_a_95_percent_interval(clock: Callable[..., Clock]) -> None:
    timing = time_calls(clock(lambda i: 8.0).call, repeats=1)
    assert timing.repeats == 6
    assert not timing.noisy


def test_the_slow_first_calls_do_not_count(clock: Callable[..., Clock]) -> None:
    timing = time_calls(clock(lambda i: 8.0 * max(1, 5 - i / 5)).call)
    assert timing.median_ms == timing.high_ms == pytest.approx(8.0)


def test_short_calls_are_grouped_so_that_the_clock_is_read_seldom(
    clock: Callable[..., Clock],
) -> None:
    timing = time_calls(clock(lambda i: 0.01).call)
    assert timing.median_ms == pytest.approx(0.01)
    assert timing.seconds >= 40 * _timing.SHORTEST_MS / 1000


def test_on_one_thread_waiting_for_the_core_does_not_count(
    clock: Callable[..., Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert time_calls(clock(lambda i: 8.0, waiting=3).call).median_ms == pytest.approx(8.0)


def test_on_two_threads_the_time_on_the_wall_counts(
    clock: Callable[..., Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert time_calls(clock(lambda i: 8.0, waiting=3).call).median_ms == pytest.approx(32.0)


def test_the_interval_of_the_median_holds_it_with_at_least_95_percent() -> None:
    for n in range(6, 300):
        rank = _timing._rank(n)
        assert 2 * sum(comb(n, k) for k in range(rank + 1)) / 2**n <= 0.05


def test_intervals_of_simulated_times_hold_the_median_19_times_in_20() -> None:
    rng = random.Random(0)
    true = median(rng.lognormvariate(0, 0.5) for _ in range(200_000))
    holds = 0
    for _ in range(1000):
        timing = _timing._summary([rng.lognormvariate(0, 0.5) for _ in range(50)], 0.02, 0.0)
        holds += timing.low_ms <= true <= timing.high_ms
    assert holds >= 940


def test_the_median_and_the_spread_are_those_of_the_times() -> None:
    timing = _timing._summary([float(n) for n in range(101)], 0.02, 0.0)
    assert (timing.median_ms, timing.spread_ms) == (50.0, 50.0)


def test_real_calls_are_timed_too() -> None:
    timing = time_calls(lambda: sum(range(1000)), time_limit=0.05)
    assert 0 < timing.low_ms <= timing.median_ms <= timing.high_ms


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_more_work_takes_longer() -> None:
    small, large = (torch.rand(n, n, device=CUDA) for n in (512, 8192))
    times = [time_calls(lambda x=x: x @ x, device=CUDA).median_ms for x in (small, large)]
    assert 10 * times[0] < times[1]
