"""Schedules of a search: plain functions of progress in [0, 1], as training's are."""

from __future__ import annotations

from functools import partial
import math

from optuna_nas.training import cosine
from optuna_nas.training._schedules import Schedule


def linear(start: float, end: float) -> Schedule:
    """A straight line; GDAS takes ``linear(10, 0.1)`` as its temperature.

    Args:
        start:
            At progress 0.
        end:
            At progress 1.
    """
    return partial(_linear, start=start, end=end)


def decay(start: float, rate: float = 5.0) -> Schedule:
    """An exponential decay; P-DARTS takes it for the dropout behind its skip connections.

    Args:
        start:
            At progress 0.
        rate:
            It ends at ``start * exp(-rate)``. 5 is that of the authors' code, 0.2 for each of 25
            epochs.
    """
    return partial(_decay, start=start, rate=rate)


def paper_schedule(progress: float) -> float:
    """The learning rate of DARTS: half a cosine, from 1 to 0.04 (that is, from 0.025 to 0.001).

    Args:
        progress:
            How much of the search is done, in [0, 1].
    """
    return 0.04 + 0.96 * cosine()(progress)


def _linear(progress: float, start: float, end: float) -> float:
    return start + (end - start) * progress


def _decay(progress: float, start: float, rate: float) -> float:
    return start * math.exp(-rate * progress)
