"""``Gate``: one decision of a supernet. Gradients move its logits; the best of them is chosen."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import combinations
import math
from typing import Any
from typing import TypeAlias

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import IntDistribution
import torch
from torch import nn
from torch import Tensor


Relaxation: TypeAlias = Callable[[Tensor, int], Tensor]
"""From logits ``[n]`` (minus infinity where dropped), and how many of them an architecture takes,
to the weights ``[n]`` of the mixture. What has weight 0 is not computed."""

INITIAL_DEVIATION = 1e-3


def softmax(logits: Tensor, k: int) -> Tensor:
    """The continuous relaxation of DARTS (Liu et al. 2019, eq. 2).

    Args:
        logits:
            ``[n]``.
        k:
            How many an architecture takes; the weights do not depend on it.
    """
    return logits.softmax(0)


class Gate(nn.Module):
    """The logits of one decision: one for each option, each exit of a repeat, or each input.

    Logits begin as normal noise of deviation 0.001, as in DARTS (Liu et al. 2019), drawn from
    torch's RNG.

    Args:
        name:
            The decision.
        distribution:
            What the decision is when it is sampled.
        labels:
            What each logit stands for.
        k:
            How many of them one choice takes.

    Attributes:
        choices:
            From each value of the decision to the logits that it takes.
        kept:
            Which labels are left in the search, ``[n]``.
        exclusive:
            Whether its mixture is a mean: of a repeat, which is left once, whatever the
            relaxation. Else it is a sum, whose weights the relaxation alone decides.
        taken:
            The logits that the active path takes, or None in a mixture.
        weights:
            While the supernet runs as a mixture: the weights that are not 0, by logit.
    """

    kept: Tensor

    def __init__(
        self, name: str, distribution: BaseDistribution, labels: Sequence[Any], k: int
    ) -> None:
        super().__init__()
        self.name = name
        self.distribution = distribution
        self.labels = tuple(labels)
        self.k = k
        self.exclusive = isinstance(distribution, IntDistribution)
        self.choices: dict[Any, tuple[int, ...]] = dict(
            zip(_values(distribution), combinations(range(len(labels)), k), strict=True)
        )
        self.logits = nn.Parameter(INITIAL_DEVIATION * torch.randn(len(labels)))
        self.register_buffer("kept", torch.ones(len(labels), dtype=torch.bool))
        self.taken: tuple[int, ...] | None = None
        self.weights: Mapping[int, Tensor] | None = None

    def extra_repr(self) -> str:
        return f"{self.name!r}, {list(self.labels)}"

    def relaxed(self, relaxation: Relaxation) -> Tensor:
        """Returns the weights ``[n]`` of the mixture.

        Args:
            relaxation:
                From logits to weights.
        """
        weights = relaxation(self.logits.masked_fill(~self.kept, -math.inf), self.k)
        if weights.shape != self.logits.shape:
            raise ValueError(
                f"Decision {self.name!r}: the relaxation gave weights of shape "
                f"{list(weights.shape)} for logits of shape {list(self.logits.shape)}."
            )
        if self.exclusive:
            weights = weights / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)
        return weights

    def weigh(self, weights: Tensor, numbers: Sequence[float]) -> None:
        """Sets the weights of the mixture for a forward pass.

        Args:
            weights:
                ``[n]``, with their gradients.
            numbers:
                The same, read out.
        """
        self.check_finite(numbers)
        if not any(numbers):
            raise ValueError(
                f"Decision {self.name!r}: the relaxation gave weight 0 to all of "
                f"{', '.join(map(repr, self.labels))}, so there is nothing to compute."
            )
        self.weights = {i: weights[i] for i, number in enumerate(numbers) if number != 0}

    def mixing(self) -> Mapping[int, Tensor]:
        """Returns the weights by logit, but for those that are 0."""
        if self.weights is None:
            raise RuntimeError(
                f"Decision {self.name!r} has no weights outside the supernet's forward pass: call "
                "the supernet, not a part of it, or set a path with activate(params) before."
            )
        return self.weights

    def log_probabilities(self) -> dict[Any, float]:
        """Returns the logarithm of each choice's probability, for those that were not dropped.

        Of one logit it is the softmax. Of several, it is that of drawing them one after another
        without putting back (Plackett-Luce, as the Gumbel top-k trick does: Kool et al. 2019,
        https://arxiv.org/abs/1903.06059, sec. 2), in any order; the k strongest are most probable.

        Raises:
            ValueError:
                If a logit is not finite.
        """
        kept = self.kept.tolist()
        logits = {i: logit for i, logit in enumerate(self.logits.tolist()) if kept[i]}
        self.check_finite(logits.values())
        reached: dict[tuple[int, ...], float] = {(): 0.0}
        for _ in range(self.k):
            terms: dict[tuple[int, ...], list[float]] = {}
            for taken, before in reached.items():
                left = {i: logit for i, logit in logits.items() if i not in taken}
                total = _log_sum_exp(left.values())
                for i, logit in left.items():
                    terms.setdefault(tuple(sorted((*taken, i))), []).append(before + logit - total)
            reached = {taken: _log_sum_exp(logs) for taken, logs in terms.items()}
        return {choice: reached[t] for choice, t in self.choices.items() if t in reached}

    def shares(self) -> dict[Any, float]:
        """Returns the softmax of the logits that were not dropped, by label."""
        weights = softmax(self.logits.detach().masked_fill(~self.kept, -math.inf), self.k)
        kept = self.kept.tolist()
        return {
            label: weight
            for label, weight, there in zip(self.labels, weights.tolist(), kept, strict=True)
            if there
        }

    def check_finite(self, numbers: Any) -> None:
        """Raises if a logit or a weight has become NaN or infinite.

        Args:
            numbers:
                Logits or weights of this gate.
        """
        if not all(map(math.isfinite, numbers)):
            raise ValueError(
                f"Decision {self.name!r}: its gate has become {list(numbers)}. The search "
                "diverged: take a lower learning rate for architecture_parameters(), or clip "
                "gradients, and go on from an epoch before."
            )

    def drop(self, labels: Sequence[Any]) -> None:
        """Takes labels out of the mixture and of what can be chosen.

        Args:
            labels:
                Options, numbers of blocks, or inputs.
        """
        unknown = [label for label in labels if label not in self.labels]
        if unknown:
            raise ValueError(
                f"Decision {self.name!r} has no {', '.join(map(repr, unknown))} to drop, but "
                f"{', '.join(map(repr, self.labels))}."
            )
        kept = self.kept.clone()
        for label in labels:
            kept[self.labels.index(label)] = False
        if int(kept.sum()) < self.k:
            raise ValueError(
                f"Decision {self.name!r} needs {self.k} of "
                f"{', '.join(map(repr, self.labels))}, so they cannot all be dropped."
            )
        self.kept.copy_(kept)


def _values(distribution: BaseDistribution) -> Sequence[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, IntDistribution)
    return range(distribution.low, distribution.high + 1)


def _log_sum_exp(numbers: Any) -> float:
    highest = max(numbers)
    return float(highest + math.log(sum(math.exp(number - highest) for number in numbers)))
