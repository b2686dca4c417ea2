"""Layers in order, and which layer of a network corresponds to which of another one."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn
from torch import Tensor
from torch.nn.modules.conv import _ConvNd


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
DEPTHWISE, POINTWISE, GROUPED = "depthwise ", "pointwise ", "grouped "

MIXING = tuple(
    prefix + name
    for name in ("Linear", *(kind.__name__ for kind in CONVOLUTIONS))
    for prefix in ("", DEPTHWISE, POINTWISE)
)
"""Layers that make new features: they have weights ``[out, in, *kernel]``."""

ALONG = ("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm", "PReLU")
"""Layers with vectors over the features that come in."""

STACKED = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3, "MultiheadAttention": 3}
"""Layers whose first dimension holds so many matrices, one under the other."""

SAME_NAME = 0.4
"""Less than a width: in ``nn.Sequential`` names are places, and a new layer shifts them."""


@dataclass(frozen=True)
class Layer:
    """A module that has tensors of its own.

    Args:
        name:
            Its name in the network, ``"body.0"``.
        kind:
            What it is: its class, and of a convolution also whether it mixes pixels or channels.
        shape:
            Of its weight; empty without one.
    """

    name: str
    kind: str
    shape: tuple[int, ...]

    @property
    def mixes(self) -> bool:
        """Whether it makes new features of those that come in."""
        return self.kind in MIXING

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel is convolved alone."""
        return self.kind.startswith(DEPTHWISE)

    @property
    def is_grouped(self) -> bool:
        """Whether channels are convolved in groups of several."""
        return self.kind.startswith(GROUPED)

    def tensor(self, name: str) -> str:
        """The name in the network of one of its tensors.

        Args:
            name:
                In the layer: ``"weight"``.
        """
        return f"{self.name}.{name}" if self.name else name

    def within(self, name: str) -> str:
        """The name in the layer of one of its tensors.

        Args:
            name:
                In the network.
        """
        return name[len(self.tensor("")) :]

    def owns(self, name: str) -> bool:
        """Whether a tensor is its own, and not one of a layer within it.

        Args:
            name:
                Of the tensor, in the network.
        """
        return name.startswith(self.tensor("")) and "." not in self.within(name)


def layers_of(module: nn.Module) -> list[Layer]:
    """Returns the layers of a network in the order in which they were made part of it.

    Args:
        module:
            The network.
    """
    layers = []
    for name, part in module.named_modules():
        if any(True for _ in part.parameters(recurse=False)) or any(
            True for _ in part.buffers(recurse=False)
        ):
            weight = getattr(part, "weight", None)
            shape = tuple(weight.shape) if isinstance(weight, Tensor) else ()
            layers.append(Layer(name, _kind(part), shape))
    return layers


def aligned(old: Sequence[Layer], new: Sequence[Layer]) -> Mapping[str, Layer]:
    """Returns which old layer a new one continues, by the new one's name; none for the others.

    Only layers of one kind correspond, in order. Of all ways it is the one with the greatest sum
    of likenesses, so that a block that came or went moves those behind it along: the alignment of
    two sequences by Needleman & Wunsch 1970.

    Args:
        old:
            Of the network that has weights.
        new:
            Of the one that is to have them.
    """
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        row, below = best[i], best[i + 1]
        for j in reversed(range(len(new))):
            likeness = _likeness(old[i], new[j])
            row[j] = max(below[j], row[j + 1], below[j + 1] + likeness if likeness else 0.0)
    pairs, i, j = {}, 0, 0
    while i < len(old) and j < len(new):
        likeness = _likeness(old[i], new[j])
        if likeness and best[i][j] == best[i + 1][j + 1] + likeness:
            pairs[new[j].name] = old[i]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    return pairs


def _likeness(old: Layer, new: Layer) -> float:
    """Nothing for two kinds; else 1, a share of 1 for equal widths, and a little for the name."""
    if old.kind != new.kind or len(old.shape) != len(new.shape):
        return 0.0
    widths = list(zip(old.shape[:2], new.shape[:2], strict=True))
    equal = sum(a == b for a, b in widths) / max(1, len(widths))
    return 1 + equal + SAME_NAME * (old.name == new.name)


def _kind(part: nn.Module) -> str:
    kind = type(part)
    name = kind.__name__ if kind.__module__.startswith("torch.nn") else f"own {kind.__name__}"
    if not isinstance(part, _ConvNd):
        return name
    if part.groups > 1:
        is_depthwise = part.groups == part.in_channels == part.out_channels
        return DEPTHWISE + name if is_depthwise else f"{GROUPED}{part.groups} {name}"
    return POINTWISE + name if max(part.kernel_size) == 1 else name
