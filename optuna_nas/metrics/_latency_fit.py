"""From a network's blocks to its latency: a plane through some whole networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from statistics import median

import torch
from torch import Tensor


FEWEST = 8
"""Networks below which a plane and its error say nothing."""


@dataclass(frozen=True)
class Whole:
    """A network that was measured as a whole.

    Args:
        blocks:
            How many blocks one forward pass calls.
        sum_ms:
            The sum of their times.
        measured_ms:
            What the network takes.
    """

    blocks: int
    sum_ms: float
    measured_ms: float


@dataclass(frozen=True)
class Plane:
    """``intercept + slope * sum + per_block * blocks``, in ms.

    Args:
        intercept:
            What every network takes.
        slope:
            What lies between blocks and grows with them, and how much slower they are there.
        per_block:
            What a call costs; below 0, since the times of blocks have the clock's in them.
    """

    intercept: float
    slope: float
    per_block: float

    def at(self, blocks: int, sum_ms: float) -> float:
        """The predicted milliseconds of a network.

        Args:
            blocks:
                How many it calls.
            sum_ms:
                The sum of their times.
        """
        return self.intercept + self.slope * sum_ms + self.per_block * blocks


@dataclass(frozen=True)
class TableError:
    """How far a table is off, by leaving out each whole network in turn.

    A block that only that network has is known from it all the same, as a search would measure it.

    Args:
        networks:
            How many there were.
        spearman:
            The rank correlation of what is predicted and what was measured.
        low:
            Where its 95 % interval begins.
        high:
            Where it ends.
        median_relative:
            Half of the predictions are no further off than this share of the measured latency.
        p90_relative:
            Nine in ten are not.
    """

    networks: int
    spearman: float
    low: float
    high: float
    median_relative: float
    p90_relative: float

    def __str__(self) -> str:
        return (
            f"Spearman {self.spearman:.3f} ({self.low:.3f} to {self.high:.3f}), half within "
            f"{self.median_relative:.1%}, nine in ten within {self.p90_relative:.1%}, of "
            f"{self.networks} networks left out in turn"
        )


def fit(networks: Sequence[Whole]) -> Plane:
    """The plane with the least squared relative error.

    Args:
        networks:
            Those that were measured; with none, the sum itself is the prediction.
    """
    if not networks:
        return Plane(0.0, 1.0, 0.0)
    terms = torch.tensor([(1.0, n.sum_ms, n.blocks) for n in networks], dtype=torch.float64)
    measured = torch.tensor([[n.measured_ms] for n in networks], dtype=torch.float64)
    # Of many planes that fit alike, as where all networks have as many blocks, gelsd takes the
    # one with the smallest coefficients.
    ones = torch.ones_like(measured)
    found = torch.linalg.lstsq(terms / measured, ones, driver="gelsd")
    return Plane(*found.solution.flatten().tolist())


def leave_one_out(networks: Sequence[Whole]) -> TableError | None:
    """How far predictions are off for networks that the plane has not seen.

    Args:
        networks:
            Those that were measured; of fewer than ``FEWEST``, nothing can be said.
    """
    if len(networks) < FEWEST:
        return None
    predicted = left_out(networks)
    measured = [network.measured_ms for network in networks]
    off = sorted(abs(p - m) / m for p, m in zip(predicted, measured, strict=True))
    rho = spearman(predicted, measured)
    low, high = interval(rho, len(networks))
    return TableError(
        networks=len(networks),
        spearman=rho,
        low=low,
        high=high,
        median_relative=median(off),
        p90_relative=off[math.ceil(0.9 * len(off)) - 1],
    )


def left_out(networks: Sequence[Whole]) -> list[float]:
    """What is predicted of each network by a plane through the others, in ms.

    Args:
        networks:
            Those that were measured, at least two.
    """
    predicted = []
    for i, one in enumerate(networks):
        others = fit([*networks[:i], *networks[i + 1 :]])
        predicted.append(others.at(one.blocks, one.sum_ms))
    return predicted


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """The rank correlation; ties share the mean of their ranks. 0 if either does not vary.

    Args:
        first:
            Numbers.
        second:
            As many.
    """
    ranks = torch.stack([_ranks(first), _ranks(second)])
    return float(torch.corrcoef(ranks)[0, 1].nan_to_num())


def interval(rho: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a rank correlation.

    Fisher's transformation with the variance of Bonett and Wright (2000),
    https://doi.org/10.1007/BF02294183.

    Args:
        rho:
            The rank correlation.
        n:
            Of how many pairs, at least 4.
    """
    if abs(rho) > 1 - 1e-9:
        return rho, rho
    half = 1.96 * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)


def _ranks(values: Sequence[float]) -> Tensor:
    numbers = torch.tensor(values, dtype=torch.float64)
    places: Tensor
    equal: Tensor
    _, places, equal = numbers.unique(return_inverse=True, return_counts=True)  # type: ignore[no-untyped-call]
    return (equal.cumsum(0) - (equal.double() - 1) / 2)[places]
