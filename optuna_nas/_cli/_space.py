"""Which ready-made space fits the data, and with which arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from optuna_nas import spaces
from optuna_nas._cli._data import Data
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._errors import nearest


NAMES = ("mlp", "cnn", "nasbench201")


@dataclass(frozen=True)
class Space:
    """A search space in plain words and numbers, as they are saved beside the weights.

    Args:
        name:
            A class of :mod:`optuna_nas.spaces`.
        arguments:
            What it takes.
    """

    name: str
    arguments: dict[str, Any]

    @property
    def network(self) -> Any:
        """The function of a trial."""
        return getattr(spaces, self.name)(**self.arguments)


def choose_space(name: str | None, data: Data) -> Space:
    """Chooses the space for some data.

    Args:
        name:
            One of ``NAMES``, or None for the default: ``"cnn"`` for images, ``"mlp"`` for tables.
        data:
            What to learn from.

    Raises:
        BadInput:
            If there is no such space, or it is not for such data.
    """
    if name not in (*NAMES, None):
        raise BadInput(
            f"--space must be one of {list(NAMES)}, not {name!r}.{nearest(name, NAMES)}"
        )
    images = len(data.shape) == 3
    name = name or ("cnn" if images else "mlp")
    if name != "mlp" and not images:
        raise BadInput(
            f"--space {name} is for images, but {data.name} is a table. For tables there is: mlp."
        )
    if name == "mlp":
        features = int(np.prod(data.shape))
        return Space("MLP", {"in_features": features, "out_features": data.outputs})
    if name == "cnn":
        return Space("CNN", {"input_shape": list(data.shape), "num_classes": data.outputs})
    small = {"channels": 8, "cells": 1, "in_channels": data.shape[0]}
    return Space("NASBench201", {"num_classes": data.outputs, **small})
