"""Noise of a search that lasts for a while: a seeded RNG, and dropout behind skip connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.oneshot._mixtures import Mixture


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seeds torch's RNG, and restores it afterwards.

    Args:
        seed:
            An int of at least 0.
        device:
            Whose RNG, beside that of the CPU.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextmanager
def skip_dropout_of(supernet: nn.Module, p: float) -> Iterator[None]:
    """Drops out behind each option that is the identity, in training mode.

    It is the regularization of P-DARTS (Chen et al. 2019, https://arxiv.org/abs/1904.12760).

    Args:
        supernet:
            Of which.
        p:
            The share that is dropped.
    """

    def drop(module: nn.Module, inputs: Any, out: Tensor) -> Tensor:
        return F.dropout(out, p, module.training)

    options = [o for m in supernet.modules() if isinstance(m, Mixture) for o in m.options]
    hooks = [o.register_forward_hook(drop) for o in options if isinstance(o, nn.Identity)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
