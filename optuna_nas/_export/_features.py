"""The preparation of inputs as modules, so that it is part of the program.

They take what ``predict.py`` makes of cells: float64 numbers, NaN where one is missing, and codes
of categories.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch import Tensor

from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._table import TableInputs
from optuna_nas._export._quantiles import to_normal


class TableFeatures(nn.Module):
    """What ``TableInputs`` does with numbers, and one-hot codes.

    Args:
        learned:
            What it learned, by name, as :func:`features_of` gives it.
    """

    median: Tensor
    plain: Tensor
    mean: Tensor
    scale: Tensor
    heavy: Tensor
    quantiles: Tensor
    references: Tensor
    with_missing: Tensor
    one_hot_column: Tensor
    one_hot_code: Tensor

    def __init__(self, learned: Mapping[str, Tensor]) -> None:
        super().__init__()
        for name, values in learned.items():
            self.register_buffer(name, values)

    def forward(self, rows: Tensor) -> Tensor:
        """Takes ``[n, numbers and codes]`` in float64, returns ``[n, features]`` in float32."""
        count = len(self.median)
        numbers, codes = rows[:, :count], rows[:, count:]
        absent = numbers.isnan()
        filled = torch.where(absent, self.median, numbers)
        parts = []
        if len(self.plain):
            parts.append((filled[:, self.plain] - self.mean) / self.scale)
        if len(self.heavy):
            parts.append(to_normal(filled[:, self.heavy], self.quantiles, self.references))
        if len(self.with_missing):
            parts.append(absent[:, self.with_missing].double())
        if len(self.one_hot_code):
            codes = (codes[:, self.one_hot_column] == self.one_hot_code).double()
        return torch.cat([*parts, codes], dim=1).float()


class GridFeatures(nn.Module):
    """What ``GridInputs`` does.

    Args:
        learned:
            What it learned, by name, as :func:`features_of` gives it.
        kind:
            ``"image"`` or ``"sequence"``.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, learned: Mapping[str, Tensor], kind: str) -> None:
        super().__init__()
        self.kind = kind
        for name, values in learned.items():
            self.register_buffer(name, values)

    def forward(self, rows: Tensor) -> Tensor:
        """Takes float64 as the user has it, returns what a network takes, in float32."""
        if self.kind == "sequence":
            return ((rows - self.mean) / self.deviation).float()
        channels_last = rows.unsqueeze(-1) if rows.ndim == 3 else rows
        scaled = (channels_last - self.mean) / self.deviation
        return scaled.movedim(-1, 1).contiguous().float()


def make_features(kind: str, learned: Mapping[str, Tensor]) -> nn.Module:
    """The module that prepares inputs.

    Args:
        kind:
            ``"table"``, ``"image"``, ``"sequence"``, or ``"tensor"`` for rows as they are.
        learned:
            What it learned, by name.
    """
    if kind == "table":
        return TableFeatures(learned)
    return nn.Identity() if kind == "tensor" else GridFeatures(learned, kind)


def features_of(inputs: TableInputs | GridInputs | None) -> dict[str, Tensor]:
    """What prepares inputs has learned, by name.

    Args:
        inputs:
            Fitted; None for rows as they are.
    """
    if inputs is None:
        return {}
    if isinstance(inputs, GridInputs):
        return {name: _doubles(getattr(inputs, name)) for name in ("mean", "deviation")}
    return {**_numbers(inputs), **_one_hot(inputs)}


def _numbers(inputs: TableInputs) -> dict[str, Tensor]:
    if inputs.numbers is None:
        none = np.empty(0)
        places = {name: _places(none) for name in ("plain", "heavy", "with_missing")}
        scales = {name: _doubles(none) for name in ("median", "mean", "scale", "references")}
        return {**places, **scales, "quantiles": torch.empty(0, 0, dtype=torch.float64)}
    (_, values), (_, missing) = inputs.numbers.transformer_list
    imputer, scaler = (step for _, step in values.steps)
    (_, standard, plain), (_, quantiles, heavy) = scaler.transformers_[:2]
    return {
        "median": _doubles(imputer.statistics_),
        "plain": _places(plain),
        "mean": _doubles(standard.mean_ if len(plain) else ()),
        "scale": _doubles(standard.scale_ if len(plain) else ()),
        "heavy": _places(heavy),
        "quantiles": _doubles(quantiles.quantiles_.T if len(heavy) else np.empty((0, 0))),
        "references": _doubles(quantiles.references_ if len(heavy) else ()),
        "with_missing": _places(missing.features_),
    }


def _one_hot(inputs: TableInputs) -> dict[str, Tensor]:
    sizes = inputs.sizes if inputs.one_hot else []
    pairs = [(i, code) for i, size in enumerate(sizes) for code in range(1, size + 1)]
    columns, codes = zip(*pairs, strict=True) if pairs else ((), ())
    return {"one_hot_column": _places(columns), "one_hot_code": _doubles(codes)}


def _doubles(values: Any) -> Tensor:
    return torch.tensor(np.ascontiguousarray(values), dtype=torch.float64)


def _places(values: Any) -> Tensor:
    return torch.tensor(np.ascontiguousarray(values), dtype=torch.int64)
