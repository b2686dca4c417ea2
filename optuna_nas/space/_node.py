"""``Node``: sums some of its inputs, each through its edge; what ``suggest_inputs`` gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import nn
from torch import Tensor


class Node(nn.Module):
    """Sums its edges' outputs: ``forward(states)`` is the sum of ``edges[j](states[inputs[j]])``.

    Args:
        inputs:
            Which states it takes.
        edges:
            The module on the edge from each of them.
    """

    def __init__(self, inputs: Sequence[int], edges: Sequence[nn.Module]) -> None:
        super().__init__()
        self.inputs = tuple(inputs)
        self.edges = nn.ModuleList(edges)

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """Takes all the node's possible inputs, returns their sum through the edges."""
        taken = [edge(states[i]) for i, edge in zip(self.inputs, self.edges, strict=True)]
        total: Tensor = reduce(torch.add, taken)
        return total


def checked_module(module: Any, what: str) -> nn.Module:
    """Returns the module, or says what came in its place."""
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"{what} must give an nn.Module, but gave {module!r} ({type(module).__name__})."
        )
    return module
