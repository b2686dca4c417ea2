"""Schedules: plain functions of progress in [0, 1] that give a factor on the learning rate.

torch's schedulers cost more than a step of a small network does, and they carry state.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
import math
from typing import TypeAlias

from optuna_nas._arguments import checked_float


Schedule: TypeAlias = Callable[[float], float]


def constant(progress: float) -> float:
    """The initial learning rate throughout.

    Args:
        progress:
            How much of the training is done, in [0, 1].
    """
    return 1.0


def cosine(warmup: float = 0.0) -> Schedule:
    """A linear warm-up, then half a cosine down to zero (Loshchilov & Hutter 2017, eq. 5).

    Args:
        warmup:
            The share of the training that the warm-up takes, in [0, 1).

    Raises:
        ValueError:
            If ``warmup`` is not in [0, 1).
    """
    return partial(_cosine, warmup=checked_float("warmup", warmup, least=0, below=1))


def _cosine(progress: float, warmup: float) -> float:
    if progress < warmup:
        return progress / warmup
    return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
