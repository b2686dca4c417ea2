"""What a network is run on, to be drawn: an example, or what its search space says of inputs."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.metrics._example import batch_of
from optuna_nas.spaces import DARTS
from optuna_nas.spaces import Hierarchical
from optuna_nas.spaces import MLP
from optuna_nas.spaces import MobileNet
from optuna_nas.spaces import NASBench201
from optuna_nas.spaces import RNN
from optuna_nas.spaces import Tabular
from optuna_nas.spaces import Transformer


ROWS = 2
SIDE = 32
"""Of images where a space takes any: that of CIFAR-10's."""

TIME = 16
"""Steps of a sequence where a space takes any."""


def rows_for(network: Any, example: Any) -> tuple[Tensor, ...]:
    """Two rows of inputs, on the CPU.

    Args:
        network:
            A search space or a module.
        example:
            A batch of inputs, a tuple of several, or None.

    Raises:
        TypeError:
            If the example is no tensor or array of numbers.
        ValueError:
            If the example has no row, or there is none and nobody knows what the network takes.
    """
    if example is not None:
        return batch_of(example, ROWS, torch.device("cpu"))
    shape = _shape(network)
    if shape is None:
        name = type(network).__name__ if isinstance(network, nn.Module) else _name(network)
        raise ValueError(
            f"plot_architecture does not know what {name} takes: give example=, a batch of its "
            "inputs, [rows, ...] (only shape and kind matter: torch.zeros(2, 3, 32, 32)), or a "
            "tuple of several."
        )
    is_tokens = isinstance(network, Transformer) and network.vocabulary is not None
    return (torch.zeros(ROWS, *shape, dtype=torch.long if is_tokens else torch.float32),)


def _shape(network: Any) -> tuple[int, ...] | None:
    """Of one row, if it says so or is a space of ours."""
    if isinstance(getattr(network, "input_shape", None), tuple | list):
        return tuple(network.input_shape)
    if isinstance(network, MLP):
        return (network.in_features,)
    if isinstance(network, Tabular):
        return (network.numeric + len(network.cardinalities),)
    if isinstance(network, RNN):
        return (TIME, network.in_features)
    if isinstance(network, DARTS | Hierarchical | MobileNet | NASBench201):
        return (network.in_channels, SIDE, SIDE)
    return None


def _name(network: Any) -> str:
    return str(getattr(network, "__name__", type(network).__name__))
