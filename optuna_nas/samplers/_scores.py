"""What trials are worth, as numbers that a predictor can learn.

With one objective the values, in robust deviations from their median: half of them lie within
0.67. Their order alone would be more robust still, but decisions whose effects add up no longer do
so in it. Beyond two deviations the logarithm goes on, up to four, so that a network that did not
learn at all is one bad example, and not the scale of all others. With several objectives the order
alone (normal scores): there the front matters from end to end, and in the order its trials are
evenly spread.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from scipy.special import ndtri

from optuna_nas._ranking import costs
from optuna_nas._ranking import Floats
from optuna_nas._ranking import parted


QUARTILES = 1.349
"""The distance of a normal distribution's quartiles, in standard deviations."""

FAR = 2.0
"""Beyond so many deviations, distances are compressed."""

HUGE = 1e150
"""Values beyond this count as this: the squares of larger ones are no numbers."""

BEHIND = 2.0
"""How far below the worst complete trial the others reach, in deviations."""


def scores(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Floats:
    """Returns what trials are worth by each objective; more is better.

    Args:
        trials:
            n trials, complete or pruned.
        directions:
            The study's, m.

    Returns:
        Shape [n, m]. Those that are not complete, feasible and finite are below all others in each
        objective, evenly spaced in their order, equal ones at one place.
    """
    complete, others = parted(trials, directions)
    gains = -costs(complete, directions)
    score = robust_scores if len(directions) == 1 else normal_scores
    ahead = np.array([score(gain) for gain in gains.T]).T.reshape(gains.shape)
    found = {trial.number: row for trial, row in zip(complete, ahead, strict=True)}
    lowest = ahead.min(0, initial=0.0)
    places = {key: i for i, key in enumerate(dict.fromkeys(key for key, _ in others), start=1)}
    for key, trial in others:
        found[trial.number] = lowest - BEHIND * places[key] / len(places)
    return np.array([found[trial.number] for trial in trials]).reshape(-1, len(directions))


def normal_scores(gains: Floats) -> Floats:
    """Returns what a standard normal distribution has at the values' places in their order.

    Args:
        gains:
            Values of which more is better, shape [n].
    """
    _, inverse, counts = np.unique(gains, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts / 2
    return np.asarray(ndtri(below[inverse] / len(gains)) if len(gains) else gains)


def robust_scores(gains: Floats) -> Floats:
    """Returns deviations from the median, compressed where they are many.

    Args:
        gains:
            Finite values of which more is better, shape [n].
    """
    if not len(gains):
        return gains
    gains = np.clip(gains, -HUGE, HUGE)
    low, median, high = np.quantile(gains, [0.25, 0.5, 0.75])
    deviation = (high - low) / QUARTILES or gains.std() or 1.0
    off = (gains - median) / deviation
    far = np.maximum(np.abs(off) - FAR, 0)
    return np.asarray(np.sign(off) * (np.abs(off) - far + np.minimum(np.log1p(far), FAR)))
