"""``Prediction``: the module that is exported, from rows of numbers to predictions."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from torch import nn
from torch import Tensor

from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers
from optuna_nas._export._features import features_of
from optuna_nas._export._features import make_features
from optuna_nas._export._fitted import Fitted


class Prediction(nn.Module):
    """Prepares rows, gives them to the network, and reads what it says.

    Args:
        inputs:
            Prepares rows.
        network:
            The network, trained.
        outputs:
            Reads outputs.
        dtype:
            In which the network computes; None for rows as they come.
    """

    def __init__(
        self,
        inputs: nn.Module,
        network: nn.Module,
        outputs: nn.Module,
        dtype: torch.dtype | None,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        self.network = network if dtype is None else network.to(dtype)
        self.outputs = outputs
        self.dtype = dtype

    def forward(self, rows: Tensor) -> Tensor:
        prepared = self.inputs(rows)
        if self.dtype is not None:
            prepared = prepared.to(self.dtype)
        found: Tensor = self.outputs(self.network(prepared))
        return found


class Probabilities(nn.Module):
    """From logits to probabilities, in float64."""

    def forward(self, logits: Tensor) -> Tensor:
        return logits.double().softmax(1)


class Unstandardized(nn.Module):
    """From standardized numbers to numbers as they were, in float64.

    Args:
        targets:
            With their mean and deviation.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, targets: Numbers) -> None:
        super().__init__()
        for name in ("mean", "deviation"):
            values = np.ascontiguousarray(getattr(targets, name), np.float64)
            self.register_buffer(name, torch.from_numpy(values.copy()))

    def forward(self, standardized: Tensor) -> Tensor:
        return standardized.double() * self.deviation + self.mean


def make_prediction(fitted: Fitted, *, doubles: bool) -> Prediction:
    """The module that is exported, on the CPU and in eval mode; nothing is shared with ``fitted``.

    Args:
        fitted:
            What was trained.
        doubles:
            Whether the network computes in float64, else in float32; a network that takes rows as
            they are keeps its dtypes.
    """
    kind = "tensor" if fitted.inputs is None else fitted.inputs.kind
    outputs: nn.Module = nn.Identity()
    if isinstance(fitted.targets, Classes):
        outputs = Probabilities()
    elif isinstance(fitted.targets, Numbers):
        outputs = Unstandardized(fitted.targets)
    dtype = None if fitted.inputs is None else torch.float64 if doubles else torch.float32
    inputs = make_features(kind, features_of(fitted.inputs))
    network = deepcopy(fitted.module).cpu()
    return Prediction(inputs, network, outputs, dtype).eval().requires_grad_(False)
