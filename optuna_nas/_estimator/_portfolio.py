"""What a search begins with: a network made by hand, and a few that differ from it and do better
on some data."""

from __future__ import annotations

from typing import Any

from optuna_nas import spaces
from optuna_nas._estimator._recipe import DEFAULTS
from optuna_nas.space import Network
from optuna_nas.spaces._params_near import params_near
from optuna_nas.spaces._tabular import DEFAULT


FOR_CLASSES: list[dict[str, Any]] = [
    {"label_smoothing": 0.1, "lr": 0.01},
    {"label_smoothing": 0.1, "lr": 0.01, "block": "residual"},
    {"norm": "batch"},
    {"numeric": "piecewise"},
    {"dropout": 0.2},
]
FOR_NUMBERS: list[dict[str, Any]] = [
    {"block": "residual"},
    {"lr": 0.01},
    {"dropout": 0.2},
    {"numeric": "piecewise"},
]
"""Changes of the default for tables."""


def portfolio(network: Network, default: dict[str, Any], classes: bool) -> list[dict[str, Any]]:
    """The params to begin with, the default first.

    Args:
        network:
            The search space.
        default:
            Params of the network made by hand.
        classes:
            Whether targets are classes.
    """
    first = {**DEFAULTS, **default}
    if not isinstance(network, spaces.Tabular):
        return [first, {**first, "label_smoothing": 0.1}] if classes else [first]
    others = []
    for change in FOR_CLASSES if classes else FOR_NUMBERS:
        params = params_near(network, {**DEFAULT, **change})
        training = {name: value for name, value in change.items() if name in DEFAULTS}
        others.append({**DEFAULTS, **params, **training})
    return [first, *others]
