"""Lazy modules have no size until they have seen a batch."""

from __future__ import annotations

from torch import nn
from torch.nn.parameter import is_lazy


def check_initialized(module: nn.Module, metric: str) -> None:
    """Checks that a network has sizes to count.

    Args:
        module:
            The network.
        metric:
            What is to be counted.

    Raises:
        ValueError:
            If a lazy layer has not seen a batch yet; names the layers.
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    lazy = [name for name, tensor in tensors if is_lazy(tensor)]
    if lazy:
        raise ValueError(
            f"{metric}: the network has lazy layers without a size yet ({', '.join(lazy)}). Run "
            "it once on a batch, or give its layers their input sizes."
        )
