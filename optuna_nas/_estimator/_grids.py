"""``GridInputs``: images and sequences, scaled for a network."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from optuna_nas._estimator._columns import Array


MOST_CHANNELS = 4


class GridInputs:
    """Standardizes images for each channel, and sequences for each feature.

    Args:
        kind:
            ``"image"``, from ``[n, height, width(, channels)]`` to ``[n, channels, height,
            width]``; or ``"sequence"``, ``[n, time, features]``, which stays so.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def fit(self, x: Array) -> Tensor:
        """Learns the scale from some rows, and gives them scaled.

        Args:
            x:
                An array as said above.
        """
        self.shape = tuple(x.shape[1:])
        last = self._channels_last(x)
        axes = tuple(range(last.ndim - 1))
        self.mean, deviation = last.mean(axes), last.std(axes)
        self.deviation = np.where(deviation > 0, deviation, 1.0)
        return self.transform(x)

    def transform(self, x: Array) -> Tensor:
        """Other rows, scaled as those were.

        Args:
            x:
                Of the same shape but for the first dimension.

        Raises:
            ValueError:
                If they have another shape.
        """
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(
                f"X has {self.kind}s of shape {tuple(x.shape[1:])}, but those of fit had "
                f"{self.shape}."
            )
        scaled = (self._channels_last(x) - self.mean) / self.deviation
        if self.kind == "image":
            scaled = np.moveaxis(scaled, -1, 1)
        return torch.from_numpy(np.ascontiguousarray(scaled, np.float32))

    def _channels_last(self, x: Array) -> Array:
        x = x.astype(np.float64)
        return x[..., None] if self.kind == "image" and x.ndim == 3 else x


def kind_of_grid(x: Array, space: object) -> tuple[str, str]:
    """Whether an array holds images or sequences, and why.

    Args:
        x:
            Of three or four dimensions.
        space:
            What the user chose: ``"cnn"`` takes images, ``"rnn"`` sequences.

    Raises:
        ValueError:
            If it is neither, or its images have their channels first.
    """
    shape = tuple(x.shape[1:])
    if x.ndim == 4 and shape[2] > MOST_CHANNELS >= shape[0]:
        raise ValueError(
            f"X looks like images with channels first, {x.shape}; give them last, [n, height, "
            "width, channels]: X.transpose(0, 2, 3, 1)."
        )
    if x.ndim == 4:
        return "image", "four dimensions"
    if x.ndim != 3:
        raise ValueError(
            "X must be a table [n, columns], images [n, height, width(, channels)] or sequences "
            f"[n, time, features], but has shape {x.shape}."
        )
    if space in ("cnn", "rnn"):
        return ("image" if space == "cnn" else "sequence"), f"space={space!r}"
    if x.dtype == np.uint8:
        return "image", "three dimensions of uint8"
    if shape[0] == shape[1]:
        return "image", "three dimensions, as high as wide"
    return "sequence", "three dimensions, not as high as wide"
