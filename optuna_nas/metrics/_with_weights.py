"""``with_weights``: a network that can be timed, made of one on the meta device."""

from __future__ import annotations

from copy import deepcopy
import itertools

import torch
from torch import nn
from torch import Tensor


def with_weights(module: nn.Module, device: torch.device) -> nn.Module:
    """A copy on a device. Weights that it has stay; on the meta device they are made up.

    Made up so that numbers neither grow nor vanish from layer to layer, since processors take
    longer for the smallest ones, and without torch's random numbers.

    Args:
        module:
            The network.
        device:
            Where the copy is to be.
    """
    copy = deepcopy(module)
    tensors = list(itertools.chain(copy.parameters(), copy.buffers()))
    if not any(tensor.is_meta for tensor in tensors):
        return copy.to(device)
    copy.to_empty(device=device)
    generator = torch.Generator(device).manual_seed(0)
    with torch.no_grad():
        for tensor in itertools.chain(copy.parameters(), copy.buffers()):
            _fill(tensor, generator)
    return copy


def _fill(tensor: Tensor, generator: torch.Generator) -> None:
    if not tensor.is_floating_point():
        tensor.zero_()
    elif tensor.ndim < 2:
        tensor.fill_(1.0)  # scales, variances
    else:
        tensor.normal_(0.0, tensor[0].numel() ** -0.5, generator=generator)
