"""Augmentation: a function of a batch and a generator, on the device where the batch is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional as F

from optuna_nas._arguments import checked_int


Augment: TypeAlias = Callable[[Tensor, torch.Generator], Tensor]


def random_shift(pixels: int = 1) -> Augment:
    """Shifts each image by up to a few pixels on both axes; zeros come in at the edges.

    For images whose content is anywhere, two to four pixels of 32. Those that are centred already,
    such as the 8x8 digits, gain nothing from it.

    Args:
        pixels:
            The largest shift.

    Returns:
        A function of (images, generator) that takes and gives ``[n, channels, height, width]``;
        the generator is on the images' device.

    Raises:
        ValueError:
            If ``pixels`` is no int of at least 0; from the function, if it gets no images.
    """
    return partial(_shift, pixels=checked_int("pixels", pixels, 0))


def _shift(images: Tensor, generator: torch.Generator, pixels: int) -> Tensor:
    if images.ndim != 4:
        raise ValueError(
            "random_shift takes images of shape [n, channels, height, width], but got "
            f"{tuple(images.shape)}."
        )
    n, channels, height, width = images.shape
    device = images.device
    shift = torch.randint(2 * pixels + 1, (2, n, 1), generator=generator, device=device)
    row = (shift[0] + torch.arange(height, device=device))[:, None, :, None]
    column = (shift[1] + torch.arange(width, device=device))[:, None, None, :]
    image = torch.arange(n, device=device)[:, None, None, None]
    channel = torch.arange(channels, device=device)[None, :, None, None]
    return F.pad(images, [pixels] * 4)[image, channel, row, column]
