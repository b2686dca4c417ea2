"""CIFAR-10 as tensors: decoded from JPEG once, and kept beside the study's rows."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image
import torch
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.training import random_shift


SIDE = 32


class Images(NamedTuple):
    """Pairs of standardized images ``[n, 3, side, side]`` and classes."""

    train: tuple[Tensor, Tensor]
    valid: tuple[Tensor, Tensor]


def decode(archive: Path, folder: Path, rows: int) -> Path:
    """Writes the first rows of the training part as pixels, unless they are there.

    Args:
        archive:
            With the bytes of image i at ``data[offsets[i]:offsets[i + 1]]``, its class ``y[i]``,
            and the first ``n_train`` for training, in random order.
        folder:
            Where to.
        rows:
            How many.

    Returns:
        The file.
    """
    decoded = folder / f"images_{rows}.npz"
    if decoded.exists():
        return decoded
    with np.load(archive) as arrays:
        data, offsets, y = (arrays[name] for name in ("data", "offsets", "y"))
        if rows > arrays["n_train"]:
            raise ValueError(f"{archive} has {arrays['n_train']} images to train on, not {rows}.")
    ends = pairwise(offsets[: rows + 1])
    images = [np.asarray(Image.open(BytesIO(data[start:end]))) for start, end in ends]
    np.savez(decoded, x=np.stack(images), y=y[:rows])
    return decoded


def load(decoded: Path, train: int, valid: int, side: int, device: str) -> Images:
    """Reads what :func:`decode` wrote; smaller sides are means over squares of pixels."""
    with np.load(decoded) as arrays:
        x = torch.from_numpy(arrays["x"]).to(device).permute(0, 3, 1, 2).float()
        y = torch.from_numpy(arrays["y"]).to(device).long()
    x = F.avg_pool2d(x, SIDE // side).contiguous()
    mean, deviation = (f(x[:train], (0, 2, 3), keepdim=True) for f in (torch.mean, torch.std))
    x = (x - mean) / deviation
    end = train + valid
    return Images((x[:train], y[:train]), (x[train:end], y[train:end]))


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shifts by up to an eighth of the side and flips half of the images, as usual on CIFAR-10."""
    flips = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device) < 0.5
    shifted = random_shift(images.shape[-1] // 8)(images, generator)
    return torch.where(flips, shifted.flip(-1), shifted)
