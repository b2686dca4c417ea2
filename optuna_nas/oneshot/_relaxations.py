"""Relaxations beside the softmax: hard samples (GDAS), and sigmoids with their zero-one loss.

Each is a function of logits and of how many of them an architecture takes.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor

from optuna_nas.oneshot._gate import Gate


GateLoss: TypeAlias = Callable[[Iterable[Gate]], Tensor]
"""From the gates to what their step adds to the validation loss."""


def gumbel(logits: Tensor, k: int, temperature: float = 1.0) -> Tensor:
    """Draws k of the options, and lets gradients pass as if it were a softmax.

    It is GDAS (Dong & Yang 2019, https://arxiv.org/abs/1910.04465, eqs. 4-6): Gumbel noise, the
    largest sums in the forward pass, their softmax in the backward pass. What is not drawn has
    weight 0 and is not computed. Of several, the k largest are drawn, as the k-hot sample of Kool
    et al. 2019 (https://arxiv.org/abs/1903.06059, sec. 2), and k times the softmax passes back.

    Args:
        logits:
            ``[n]``.
        k:
            How many to draw.
        temperature:
            Of the softmax; GDAS goes from 10 to 0.1.
    """
    noise = -torch.empty_like(logits).exponential_().log()
    soft = k * ((logits.log_softmax(0) + noise) / temperature).softmax(0)
    hard = torch.zeros_like(soft).index_fill(0, soft.topk(k).indices, 1.0)
    return hard + (soft - soft.detach())  # in this order, it is exactly 0 or 1


def sigmoid(logits: Tensor, k: int) -> Tensor:
    """Weighs each option on its own, so that they need not compete.

    It is Fair DARTS (Chu et al. 2020, https://arxiv.org/abs/1911.12126), and goes together with
    :func:`zero_one`. A repeat is left once, so its exits do compete: their sigmoids are divided by
    the sum, as :class:`Gate` does for any relaxation.

    Args:
        logits:
            ``[n]``.
        k:
            How many an architecture takes; the weights do not depend on it.
    """
    return logits.sigmoid()


def zero_one(weight: float = 10.0) -> GateLoss:
    """The loss of Fair DARTS that pushes sigmoids to 0 or 1: ``-mean((sigmoid(logit) - 0.5)^2)``.

    It is L_0-1 of Chu et al. 2020 (https://arxiv.org/abs/1911.12126), over all decisions but
    repeats, whose exits compete.

    Args:
        weight:
            A factor on it; 10 in the paper.
    """
    return partial(_zero_one, weight=weight)


def _zero_one(gates: Iterable[Gate], weight: float) -> Tensor:
    logits = [gate.logits[gate.kept] for gate in gates if not gate.exclusive]
    if not logits:
        return torch.zeros(())
    return -weight * (torch.cat(logits).sigmoid() - 0.5).square().mean()
