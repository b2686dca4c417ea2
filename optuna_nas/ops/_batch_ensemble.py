"""Many networks in one: members share their weights, and each scales them in its own way.

BatchEnsemble (Wen et al. 2020, https://arxiv.org/abs/2002.06715) as TabM (Gorishniy et al. 2025,
https://arxiv.org/abs/2410.24210) begins it. Members are rows: ``[n, features]`` becomes ``[n * k,
features]``, row by row, so that what is between knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Sequence
import math

import torch
from torch import nn
from torch import Tensor


class EnsembleInputs(nn.Module):
    """Shows each row to k members, each of which weighs the features in its own way.

    Alone, with members' own heads, this is TabM-mini (sec. 3.3, fig. 1).

    Args:
        k:
            How many members.
        sizes:
            Of each feature, how many inputs are its embedding: these begin with one weight. All 1,
            there are no embeddings, and weights begin as signs rather than normal numbers, as in
            the paper's code.
    """

    def __init__(self, k: int, sizes: Sequence[int]) -> None:
        super().__init__()
        weights = torch.randn(k, len(sizes))
        if max(sizes) == 1:
            weights = torch.where(weights < 0, -1.0, 1.0)
        feature_of_input = [i for i, size in enumerate(sizes) for _ in range(size)]
        self.weight = nn.Parameter(weights[:, feature_of_input])

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n, inputs]``, returns ``[n * k, inputs]``."""
        return (x.unsqueeze(1) * self.weight).flatten(0, 1)

    def extra_repr(self) -> str:
        return f"k={len(self.weight)}"


class BatchEnsembleLinear(nn.Module):
    """A linear map with inputs and outputs scaled by each member: ``((x * R) W) * S + B``.

    R and S begin as ones, and all members with one bias, as in TabM's code: differences come from
    :class:`EnsembleInputs`.

    Args:
        k:
            How many members.
        inputs:
            The size of an input.
        outputs:
            The size of an output.
        scale_inputs:
            False leaves R out, right after :class:`EnsembleInputs`, which is one.
    """

    def __init__(self, k: int, inputs: int, outputs: int, *, scale_inputs: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.r = nn.Parameter(torch.ones(k, inputs)) if scale_inputs else None
        self.s = nn.Parameter(torch.ones(k, outputs))
        bound = inputs**-0.5
        self.bias = nn.Parameter(torch.empty(outputs).uniform_(-bound, bound).repeat(k, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n * k, inputs]``, returns ``[n * k, outputs]``."""
        members = x.reshape(-1, len(self.s), x.shape[1])
        scaled = members if self.r is None else members * self.r
        out: Tensor = (self.linear(scaled) * self.s + self.bias).flatten(0, 1)
        return out

    def extra_repr(self) -> str:
        return f"k={len(self.s)}"


class EnsembleHeads(nn.Module):
    """A linear map for each member; in eval mode, one prediction of all.

    In training mode it gives the predictions of all members, for a loss of each: the mean of their
    losses trains an ensemble, the loss of their mean would train one network.

    Args:
        k:
            How many members.
        inputs:
            The size of an input.
        outputs:
            How many numbers to predict.
        classes:
            Whether these are logits: one prediction is then the logarithm of the mean of members'
            probabilities, else it is their mean.
    """

    def __init__(self, k: int, inputs: int, outputs: int, *, classes: bool) -> None:
        super().__init__()
        bound = inputs**-0.5
        self.weight = nn.Parameter(torch.empty(k, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(k, 1, outputs).uniform_(-bound, bound))
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        """Takes ``[n * k, inputs]``; ``[n, k, outputs]`` in training, ``[n, outputs]`` in eval."""
        k = len(self.weight)
        members = x.reshape(-1, k, x.shape[1]).transpose(0, 1)
        predictions = torch.baddbmm(self.bias, members, self.weight).transpose(0, 1)
        if self.training:
            return predictions
        if self.classes:
            return predictions.log_softmax(-1).logsumexp(1) - math.log(k)
        return predictions.mean(1)

    def extra_repr(self) -> str:
        return f"k={len(self.weight)}, classes={self.classes}"
