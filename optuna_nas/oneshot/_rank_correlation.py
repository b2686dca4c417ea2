"""``rank_correlation``: whether one-shot scores put architectures in the order of true ones."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau
from scipy.stats import spearmanr


Floats: TypeAlias = NDArray[np.float64]

RESAMPLES = 1000


@dataclass(frozen=True)
class Correlation:
    """A coefficient, and where it may lie.

    Args:
        value:
            In -1..1.
        low:
            The lower end of its 95 % interval.
        high:
            The upper end.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} (95 %: {self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class RankCorrelation:
    """How well two scores agree on an order.

    Args:
        spearman:
            Spearman's rho.
        kendall:
            Kendall's tau-b.
        pairs:
            From how many architectures.
    """

    spearman: Correlation
    kendall: Correlation
    pairs: int

    def __str__(self) -> str:
        return f"Spearman {self.spearman}, Kendall {self.kendall}, {self.pairs} architectures"


def rank_correlation(
    one_shot_scores: Sequence[float], stand_alone_scores: Sequence[float], *, seed: int = 0
) -> RankCorrelation:
    """How well one-shot scores rank architectures, by their scores when trained on their own.

    Take a random sample of architectures: among the best of a search, the order is partly luck.
    The intervals are percentiles of 1000 bootstrap samples of the pairs; with fewer than ten pairs
    they say little.

    Args:
        one_shot_scores:
            One for each architecture.
        stand_alone_scores:
            Of the same architectures.
        seed:
            Of the bootstrap.

    Raises:
        ValueError:
            If there are not as many of both, fewer than 3, some not finite, or all the same.
    """
    x = _checked("one_shot_scores", one_shot_scores)
    y = _checked("stand_alone_scores", stand_alone_scores)
    if len(x) != len(y):
        raise ValueError(
            f"there are {len(x)} one_shot_scores, but {len(y)} stand_alone_scores; give one of "
            "each for each architecture."
        )
    rows = np.random.default_rng(seed).integers(len(x), size=(RESAMPLES, len(x)))
    resamples = [(x[i], y[i]) for i in rows if np.ptp(x[i]) > 0 and np.ptp(y[i]) > 0]
    return RankCorrelation(
        spearman=_correlation(spearmanr, x, y, resamples),
        kendall=_correlation(kendalltau, x, y, resamples),
        pairs=len(x),
    )


def _correlation(
    coefficient: Callable[[Floats, Floats], Any],
    x: Floats,
    y: Floats,
    resamples: Sequence[tuple[Floats, Floats]],
) -> Correlation:
    low, high = np.percentile([coefficient(*pair).statistic for pair in resamples], [2.5, 97.5])
    return Correlation(float(coefficient(x, y).statistic), float(low), float(high))


def _checked(name: str, scores: Sequence[float]) -> Floats:
    array = np.asarray(scores, dtype=np.float64)
    if array.ndim != 1 or len(array) < 3:
        raise ValueError(
            f"{name} must be a list of at least 3 numbers, but has shape {list(array.shape)}."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity at {np.flatnonzero(~np.isfinite(array))}.")
    if np.ptp(array) == 0:
        raise ValueError(f"{name} are all {array[0]}, so they put nothing in an order.")
    return array
