"""Activations and normalizations by name: what a layer of an MLP chooses from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn


def activations() -> dict[str, Callable[[], nn.Module]]:
    """Returns activations: from a name to a factory. None of them works in place."""
    return {
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "tanh": nn.Tanh,
    }


def normalizations(features: int) -> dict[str, Callable[[], nn.Module]]:
    """Returns normalizations of ``[n, features]``: from a name to a factory.

    Args:
        features:
            The size of the last dimension.
    """
    return {
        "none": nn.Identity,
        "batch": partial(nn.BatchNorm1d, features),
        "layer": partial(nn.LayerNorm, features),
    }
