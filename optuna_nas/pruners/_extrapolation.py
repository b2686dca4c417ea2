"""Where a learning curve goes, with uncertainty, from its own points alone.

After Domhan et al. 2015, "Speeding up automatic hyperparameter optimization of deep neural
networks by extrapolation of learning curves", sec. 3. Nine of their eleven families are
``a + b g(x)`` with a ``g`` of one or two parameters, so these lie on a grid, and all the rest is
Bayesian linear regression in closed form: exact, without their Markov chain, in a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from optuna_nas._ranking import Floats


NOISES = np.geomspace(0.003, 0.3, 7)
"""Standard deviations of a point around its curve at the horizon, in units of the scale."""

FADING = (0.0, 0.5, 1.0)
"""The noise is as (horizon / x) to this power: validation scores often calm down."""

ONSETS = 28
"""How many times of onset, from the first step to twice the horizon."""


@dataclass(frozen=True)
class Forecast:
    """A mixture of normal distributions.

    Args:
        weights:
            Shape [k], they add up to 1.
        means:
            Shape [k].
        deviations:
            Shape [k].
    """

    weights: Floats
    means: Floats
    deviations: Floats

    @property
    def mean(self) -> float:
        """The mean of all."""
        return float(self.weights @ self.means)

    @property
    def deviation(self) -> float:
        """The standard deviation of all."""
        spread = self.deviations**2 + (self.means - self.mean) ** 2
        return float(np.sqrt(self.weights @ spread))

    def corrected(self, shift: float, times: float) -> Forecast:
        """Returns the same forecast elsewhere, and wider.

        Args:
            shift:
                By how many of its deviations to move it.
            times:
                By what to multiply its deviation.
        """
        mean = self.mean + shift * self.deviation
        means = mean + times * (self.means - self.mean)
        return Forecast(self.weights, means, times * self.deviations)

    def draws(self, n: int, rng: np.random.Generator) -> Floats:
        """Returns n independent values.

        Args:
            n:
                How many.
            rng:
                Where the randomness comes from.
        """
        chosen = rng.choice(len(self.weights), n, p=self.weights)
        return np.asarray(rng.normal(self.means[chosen], self.deviations[chosen]))


def forecast(steps: Floats, values: Floats, horizon: float, scale: float) -> Forecast:
    """Returns what the value at the horizon may be.

    A curve begins at u and has changed by d at the horizon; a priori, u is the first value and d
    is 0, each give or take the scale. Every shape and noise is weighed by its evidence; all noises
    are as likely.

    Args:
        steps:
            Increasing, shape [n], n at least 2.
        values:
            Finite, shape [n].
        horizon:
            A step beyond the last.
        scale:
            How far values differ in this study; above 0.
    """
    gap = float(np.median(np.diff(steps)))
    x = 1 + (np.append(steps, horizon) - steps[0]) / gap
    shapes, prior = _shapes(x)
    rise = (shapes[:, :-1] - shapes[:, :1]) / (shapes[:, -1:] - shapes[:, :1])
    y = (values - values[0]) / scale
    noises = np.concatenate([NOISES[:, None] * (x[-1] / x) ** fading for fading in FADING])
    precision = noises[:, :-1].T ** -2

    # The posterior of (u, d) has the precision [[a, b], [b, c]], each of shape [shapes, noises].
    a, b, c = precision.sum(0) + 1, rise @ precision, rise**2 @ precision + 1
    p, q = y @ precision, (rise * y) @ precision
    determinant = a * c - b**2
    u, d = (c * p - b * q) / determinant, (a * q - b * p) / determinant
    unexplained = y**2 @ precision - (u * p + d * q)
    evidence = (np.log(precision).sum(0) - np.log(determinant) - unexplained) / 2
    weights = prior[:, None] * np.exp(evidence - evidence.max())
    deviations = np.sqrt((a + c - 2 * b) / determinant + noises[:, -1] ** 2)
    return Forecast(
        (weights / weights.sum()).ravel(),
        (values[0] + scale * (u + d)).ravel(),
        (scale * deviations).ravel(),
    )


def _shapes(x: Floats) -> tuple[Floats, Floats]:
    """Families of curves at x, shape [shapes, n], and how likely each is, all families equally.

    Domhan et al., table 1: pow3 and pow4; Weibull, which is Janoschek and exp4 too; MMF, which is
    Hill3 and log power too; ilog2.
    """
    exponents = np.array([0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3])
    offsets = np.array([0.0, 2.0, 8.0])
    onsets = np.geomspace(1, 2 * x[-1], ONSETS)
    relative = x / onsets[:, None]
    steepness = np.array([0.5, 1, 1.5, 2, 3])[:, None, None]
    families = [
        (x + offsets[:, None]) ** -exponents[:, None, None],
        np.exp(-(relative**steepness)),
        1 / (1 + relative**steepness),
        1 / np.log(x + 1),
    ]
    rows = [family.reshape(-1, len(x)) for family in families]
    prior = [np.full(len(family), 1 / len(family)) for family in rows]
    return cast("Floats", np.concatenate(rows)), np.concatenate(prior)
