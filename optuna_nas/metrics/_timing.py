"""``time_calls``: how long a call takes, and how sure that is.

On one thread of the CPU its *processor time* is taken: equal to the time on the wall where nobody
else wants the core, and hardly longer where others do, since waiting for the core does not count.
``studies/latency_order`` compares it with what else there is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import math
from statistics import median
from statistics import quantiles
import sys
import time

import torch

from optuna_nas.metrics._device import CPU


SHORTEST_MS = 5.0
"""Faster calls are grouped. The processor's speed changes over a few of these, and so repeats of
less would all see the same moment; the clock's resolution is far below it."""


@dataclass(frozen=True)
class Timing:
    """How long one call takes.

    Args:
        median_ms:
            The median of the repeats.
        low_ms:
            Where the 95 % confidence interval of the median begins.
        high_ms:
            Where it ends.
        spread_ms:
            The interquartile range of the repeats.
        repeats:
            How many there were. Each is a call, or the mean of some where a call is short.
        noisy:
            Whether time was over before the interval was as narrow as asked.
        seconds:
            What the measurement took, with its warm-up.
    """

    median_ms: float
    low_ms: float
    high_ms: float
    spread_ms: float
    repeats: int
    noisy: bool
    seconds: float


def time_calls(
    call: Callable[[], object],
    *,
    device: torch.device = CPU,
    precision: float = 0.02,
    time_limit: float = 5.0,
    repeats: int = 40,
) -> Timing:
    """Calls until the median time is known well enough.

    Args:
        call:
            What to time. What it returns is dropped.
        device:
            Where it works; on CUDA, events are timed.
        precision:
            How wide half the 95 % interval may be, as a share of the median.
        time_limit:
            Seconds after which to stop all the same, and to say that it was noisy.
        repeats:
            The fewest to take, as far as the limit allows.
    """
    began = time.perf_counter()
    until = began + time_limit
    stopwatch = _stopwatch(call, device, until)
    _warm_up(stopwatch, until)
    times: list[float] = []
    enough = repeats
    while True:
        times.append(stopwatch())
        over = time.perf_counter() >= until
        if len(times) >= enough or over:
            timing = _summary(times, precision, began)
            if over or not timing.noisy:
                return timing
            enough = math.ceil(1.1 * len(times))


def _stopwatch(
    call: Callable[[], object], device: torch.device, until: float
) -> Callable[[], float]:
    """What gives the milliseconds of a call: the mean of so many as take ``SHORTEST_MS``."""
    total_ms = _by_events(call, device) if device.type == "cuda" else _by_clock(call)
    calls = 1
    total_ms(calls)
    while total_ms(calls) < SHORTEST_MS and time.perf_counter() < until:
        calls *= 2
    return lambda: total_ms(calls) / calls


def _by_clock(call: Callable[[], object]) -> Callable[[int], float]:
    # On Windows the processor time of a thread moves in steps of 16 ms.
    alone = torch.get_num_threads() == 1 and sys.platform != "win32"
    now = time.thread_time_ns if alone else time.perf_counter_ns

    def total_ms(calls: int) -> float:
        begin = now()
        for _ in range(calls):
            call()
        return (now() - begin) / 1e6

    return total_ms


def _by_events(call: Callable[[], object], device: torch.device) -> Callable[[int], float]:
    def once_ms() -> float:
        begin, end = _event(), _event()
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return float(begin.elapsed_time(end))

    def total_ms(calls: int) -> float:
        with torch.cuda.device(device):
            torch.cuda.synchronize()
            return sum(once_ms() for _ in range(calls))

    return total_ms


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


def _warm_up(stopwatch: Callable[[], float], until: float) -> None:
    """Until five times are no less than the five before; half of the time left at most."""
    middle = (time.perf_counter() + until) / 2
    before = math.inf
    while True:
        times = []
        for _ in range(5):
            if time.perf_counter() > middle:
                return
            times.append(stopwatch())
        if median(times) > 0.98 * before:
            return
        before = median(times)


def _summary(times: list[float], precision: float, began: float) -> Timing:
    ordered = sorted(times)
    middle = median(ordered)
    rank = _rank(len(ordered))
    low, high = ordered[rank], ordered[-1 - rank]
    quarters = quantiles(ordered, n=4, method="inclusive") if len(ordered) > 1 else [middle] * 3
    return Timing(
        median_ms=middle,
        low_ms=low,
        high_ms=high,
        spread_ms=quarters[2] - quarters[0],
        repeats=len(ordered),
        noisy=len(ordered) < 6 or high - low > 2 * precision * middle,
        seconds=time.perf_counter() - began,
    )


def _rank(n: int) -> int:
    """How many of n times to leave out on each side for the median's 95 % interval.

    Le Boudec, Performance Evaluation of Computer and Communication Systems (2010), theorem 2.1
    and its approximation: it assumes no distribution, but times that do not depend on another.
    """
    return max(0, math.floor(n / 2 - 0.98 * math.sqrt(n)) - 1)
