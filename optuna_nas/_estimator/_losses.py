"""The loss of weighted rows. The weight travels as the last column of the targets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


def with_weights(targets: Tensor, weights: Tensor) -> Tensor:
    """Targets and weights as one table of floats, ``[n, ... + 1]``.

    A float32 holds classes exactly up to 16 million.

    Args:
        targets:
            Classes ``[n]``, or numbers ``[n, k]``.
        weights:
            ``[n]``.
    """
    columns = targets if targets.ndim > 1 else targets[:, None]
    return torch.cat([columns.float(), weights[:, None].float()], dim=1)


@dataclass(frozen=True)
class WeightedLoss:
    """Cross entropy or mean squared error, each row by its weight; weights have the mean 1.

    Args:
        classes:
            Whether targets are classes.
        label_smoothing:
            As in :class:`optuna_nas.training.Recipe`.
    """

    classes: bool
    label_smoothing: float = 0.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean over a batch.

        Args:
            outputs:
                ``[n, out]``, or ``[n, k, out]`` where a network predicts a row several times.
            targets:
                As :func:`with_weights` gives them.
        """
        if outputs.ndim == 3:
            targets = targets.repeat_interleave(outputs.shape[1], 0)
            outputs = outputs.flatten(0, 1)
        values, weights = targets[:, :-1], targets[:, -1]
        if self.classes:
            losses = F.cross_entropy(
                outputs,
                values[:, 0].long(),
                reduction="none",
                label_smoothing=self.label_smoothing,
            )
        else:
            losses = (outputs - values).square().mean(1)
        return (losses * weights).mean()
