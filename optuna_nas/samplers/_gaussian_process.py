"""A Gaussian process over architectures, whose kernel learns which options are alike.

Each decision's options are points e, and an architecture's are side by side in z:

    k(x, x') = a (z . z' + M(|z - z'|)),  z = (sqrt(w_1) e(x_1), sqrt(w_2) e(x_2), ...)

The product is the covariance of effects that add up, decision by decision: so an option that was
never tried in one place is no reason to forget what all other decisions are worth. M, the Matern
kernel of order 5/2 (Rasmussen and Williams 2006, eq. 4.17), is for all that does not add up. The
weight w_i says how much a decision matters (automatic relevance determination).

Points are shared by all decisions that offer the same options: what a 3x3 convolution has in
common with a 1x1 convolution is learned on every edge and in every block at once. Yet no two
options are wholly alike: a part of their distance is fixed, since what is alike on most edges may
matter on one. Before anything is seen, all options are equally far apart (the Hamming distance).
All hyperparameters are at the maximum of their posterior (the same, sec. 5.4.1, with normal
priors).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.linalg import cho_solve
from scipy.linalg import cholesky
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from optuna_nas.samplers._encoding import Encoding
from optuna_nas.samplers._encoding import Floats


DISTANCE = 1.5
"""Before anything is seen, the squared distance of two architectures that differ everywhere, but
for the part that is fixed."""

NOISE = 0.05
"""Before anything is seen, the variance of the noise in shares of ``a``."""

APART = 0.3
"""The fixed part of two options' squared distance; the learned part begins as 1."""

SPREAD, SPREAD_OF_POINTS = 1.5, 0.5
"""Standard deviations of the priors: of the logs of weights and noise, and of the points."""

LEARNED = 16
"""Decisions with more options than this have them fixed, all equally far apart."""


class Kernel:
    """The hyperparameters of an encoding, as one vector: weights, noise, points.

    Args:
        encoding:
            Of the architectures.
        learned:
            Whether it learns which options are alike. Otherwise all are equally far apart: the
            Hamming distance, weighted.
    """

    def __init__(self, encoding: Encoding, *, learned: bool = True) -> None:
        self._encoding = encoding
        self._decisions = list(encoding.columns)
        d = len(self._decisions)
        self._points: dict[tuple[Any, ...], slice] = {}
        size = d + 1
        for options in dict.fromkeys(encoding.options.values()):
            if learned and options is not None and len(options) <= LEARNED:
                self._points[options] = slice(size, size + (len(options) + 1) ** 2)
                size += (len(options) + 1) ** 2
        self._begins = {name: self._beginning(name) for name in self._decisions}
        self.mean = np.full(size, math.log(DISTANCE / max(d, 1)))
        self.mean[d] = math.log(NOISE)
        self.deviation = np.full(size, SPREAD)
        for options, where in self._points.items():
            self.mean[where] = _far_apart(len(options) + 1).ravel()
            self.deviation[where] = SPREAD_OF_POINTS

    def noise(self, theta: Floats) -> float:
        """Returns the variance of the noise.

        Args:
            theta:
                The hyperparameters, shape [p].
        """
        return math.exp(theta[len(self._decisions)])

    def map(self, theta: Floats) -> Floats:
        """Returns the linear map from encoded architectures to points.

        Args:
            theta:
                The hyperparameters, shape [p].

        Returns:
            Shape [width, 2 width]; the kernel is a function of what it maps to.
        """
        matrix = np.zeros((2, self._encoding.width, self._encoding.width))
        for i, name in enumerate(self._decisions):
            columns = self._encoding.columns[name]
            matrix[:, columns, columns] = math.exp(theta[i] / 2) * self._e(theta, name)
        return np.concatenate(list(matrix), axis=1)

    def gradient(self, theta: Floats, map_gradient: Floats, noise_gradient: float) -> Floats:
        """Returns the gradient by the hyperparameters.

        Args:
            theta:
                The hyperparameters, shape [p].
            map_gradient:
                By the map, shape [width, 2 width].
            noise_gradient:
                By the variance of the noise.
        """
        gradient = np.zeros_like(theta)
        halves = np.stack(np.split(map_gradient, 2, axis=1))
        for i, name in enumerate(self._decisions):
            columns = self._encoding.columns[name]
            blocks, root = halves[:, columns, columns], math.exp(theta[i] / 2)
            gradient[i] = (blocks * self._e(theta, name)).sum() * root / 2
            where = self._points.get(self._encoding.options[name] or ())
            if where is not None:
                gradient[where] += blocks[0].ravel() * root
        gradient[len(self._decisions)] = noise_gradient * self.noise(theta)
        return gradient

    def _e(self, theta: Floats, name: str) -> Floats:
        """The points of a decision's options, learned and fixed ones; one a row, last inactive."""
        points, options = self._begins[name], self._encoding.options[name]
        if options in self._points:
            points = points.copy()
            points[0].flat = theta[self._points[options]]
        return points

    def _beginning(self, name: str) -> Floats:
        """The points of a decision's options before anything is learned."""
        columns, options = self._encoding.columns[name], self._encoding.options[name]
        count = columns.stop - columns.start
        if options in self._points:
            return np.stack([_far_apart(count), math.sqrt(APART) * _far_apart(count)])
        points = _far_apart(count) if options is not None else np.eye(count)
        return np.stack([points, np.zeros_like(points)])


class GaussianProcess:
    """Learns values of architectures, and predicts others.

    Args:
        kernel:
            Of the architectures' encoding.
        rows:
            Encoded architectures, shape [n, width], n > 0.
        values:
            Shape [n], with mean 0.
        fitted:
            Which of them the hyperparameters are fitted to, for whom it costs n^3 some 30 times.

    Attributes:
        theta:
            The hyperparameters, shape [p].
    """

    def __init__(self, kernel: Kernel, rows: Floats, values: Floats, fitted: Any) -> None:
        self.theta = _most_likely(kernel, rows[fitted], values[fitted])
        self._map = kernel.map(self.theta)
        self._rows = rows @ self._map
        covariance, _ = _covariance(self._rows, self._rows)
        covariance[np.diag_indices(len(rows))] += kernel.noise(self.theta)
        self._factor = cholesky(covariance, lower=True)
        self._weights = cho_solve((self._factor, True), values)
        self._amplitude = max(values @ self._weights / len(values), 1e-6)

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Returns mean and standard deviation of what other architectures are worth.

        Args:
            rows:
                Encoded, shape [m, width].

        Returns:
            Two of shape [m]; the deviation is without the noise.
        """
        points = rows @ self._map
        covariance, _ = _covariance(points, self._rows)
        explained = solve_triangular(self._factor, covariance.T, lower=True)
        left = np.maximum((points**2).sum(1) + 1 - (explained**2).sum(0), 1e-10)
        return covariance @ self._weights, np.sqrt(self._amplitude * left)


def _most_likely(kernel: Kernel, rows: Floats, values: Floats) -> Floats:
    """The hyperparameters at the maximum of their posterior."""
    bounds = [(m - 3 * s, m + 3 * s) for m, s in zip(kernel.mean, kernel.deviation, strict=True)]
    found = minimize(
        _loss, kernel.mean, (kernel, rows, values), "L-BFGS-B", jac=True, bounds=bounds,
        options={"maxiter": 30},
    )  # fmt: skip
    return np.asarray(found.x)


def _loss(theta: Floats, kernel: Kernel, rows: Floats, values: Floats) -> tuple[float, Floats]:
    """Minus the log of the posterior, and its gradient; the amplitude is at its best for theta."""
    n, matrix = len(values), kernel.map(theta)
    points = rows @ matrix
    covariance, slope = _covariance(points, points)
    factor = cholesky(covariance + kernel.noise(theta) * np.eye(n), lower=True)
    half = solve_triangular(factor, np.eye(n), lower=True)
    inverse = half.T @ half
    weights = inverse @ values
    amplitude = max(values @ weights / n, 1e-6)
    off = (theta - kernel.mean) / kernel.deviation
    loss = n / 2 * math.log(amplitude) + np.log(np.diag(factor)).sum() + off @ off / 2
    by_covariance = (inverse - np.outer(weights, weights) / amplitude) / 2
    by_distance = by_covariance * slope
    by_points = 4 * (by_distance.sum(1)[:, None] * points - by_distance @ points)
    by_points += 2 * by_covariance @ points
    gradient = kernel.gradient(theta, rows.T @ by_points, np.trace(by_covariance))
    return loss, gradient + off / kernel.deviation


def _covariance(points: Floats, others: Floats) -> tuple[Floats, Floats]:
    """The kernel, in shares of ``a``, and the slope of M by squared distances."""
    products = points @ others.T
    squares = (points**2).sum(1)[:, None] + (others**2).sum(1) - 2 * products
    correlation, slope = _matern(np.maximum(squares, 0))
    return products + correlation, slope


def _matern(squares: Floats) -> tuple[Floats, Floats]:
    """The correlation at these squared distances, and its slope by them."""
    cr = np.sqrt(5 * squares)
    decay = np.exp(-cr)
    return (1 + cr + cr**2 / 3) * decay, -5 / 6 * (1 + cr) * decay


def _far_apart(count: int) -> Floats:
    """Points that all are at distance 1 from each other."""
    return np.eye(count) / math.sqrt(2)
