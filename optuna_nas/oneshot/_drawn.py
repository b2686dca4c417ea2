"""Which decisions are drawn, by patterns of their names, and how: uniformly."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
import math
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import FloatDistribution
import torch

from optuna_nas.space._decisions import cardinality
from optuna_nas.space._decisions import value_at


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Returns whether a decision is meant.

    Args:
        name:
            The decision.
        patterns:
            As of file names, or a single one; a ``*`` goes over ``/`` too.
    """
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def draw(distribution: BaseDistribution, generator: torch.Generator) -> Any:
    """Returns a value, uniform over all, or over the logarithm of a continuum where it says so.

    Args:
        distribution:
            Of the decision.
        generator:
            On the CPU.
    """
    n = cardinality(distribution)
    if n is not None:
        return value_at(distribution, int(torch.randint(n, (), generator=generator, device="cpu")))
    assert isinstance(distribution, FloatDistribution)
    u = float(torch.rand((), generator=generator, device="cpu", dtype=torch.float64))
    low, high = distribution.low, distribution.high
    if distribution.log:
        return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
    return low + u * (high - low)
