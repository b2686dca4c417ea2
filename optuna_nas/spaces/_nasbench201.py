"""The cell space of NAS-Bench-201, whose 15,625 networks others have trained already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import re
from typing import Any

from torch import nn
from torch import Tensor

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import is_whole


EDGES = ("0>1", "0>2", "1>2", "0>3", "1>3", "2>3")
STAGES = 3
ARCH_STRING = "|e0~0|+|e1~0|e2~1|+|e3~0|e4~1|e5~2|"


@dataclass(frozen=True)
class NASBench201:
    """Networks of one cell, repeated (Dong and Yang 2020, https://arxiv.org/abs/2001.00326).

    A cell is a graph of four nodes with an operation on each of its six edges; three stages of
    cells with residual reduction blocks between them, as in the paper's figure 1, take
    ``[n, in_channels, h, w]`` to ``[n, num_classes]``. The defaults are those of the published
    tables. Decisions: ``0>1``, ``0>2``, ``1>2``, ``0>3``, ``1>3``, ``2>3``, from node to node,
    shared by all cells; each is one of ``ops.nasbench201_operations``.

    Args:
        num_classes:
            How many numbers to predict.
        channels:
            Channels of the first stage; they double from stage to stage.
        cells:
            Cells a stage.
        in_channels:
            Channels of an image.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    num_classes: int = 10
    channels: int = 16
    cells: int = 5
    in_channels: int = 3

    def __post_init__(self) -> None:
        for name in ("num_classes", "channels", "cells", "in_channels"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")

    def __call__(self, trial: Trial) -> nn.Module:
        width = self.channels
        body: list[nn.Module] = [ops.conv_bn(self.in_channels, width, 3)]
        for stage in range(STAGES):
            if stage > 0:
                body.append(ops.residual_reduction(width))
                width *= 2
            body.extend(_cell(trial, width) for _ in range(self.cells))
        head = (nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        return nn.Sequential(*body, *head, nn.Linear(width, self.num_classes))

    @staticmethod
    def arch_string(params: Mapping[str, Any]) -> str:
        """Returns the paper's name of an architecture: ``|none~0|+|none~0|none~1|+|...``.

        Args:
            params:
                The operation of each edge. Names that are no edges (``lr``, ...) are passed over.

        Raises:
            ValueError:
                If an edge is missing or its operation is not of this space.
        """
        for edge in EDGES:
            if edge not in params:
                raise ValueError(f"NASBench201: params lack edge {edge!r}, got {dict(params)!r}.")
            _check_operation(params[edge], f"edge {edge!r}")
        return re.sub(r"e(\d)", lambda found: params[EDGES[int(found[1])]], ARCH_STRING)

    @staticmethod
    def from_arch_string(arch_string: str) -> dict[str, str]:
        """Returns the params of the architecture with this name.

        Args:
            arch_string:
                As :meth:`arch_string` writes it.

        Raises:
            ValueError:
                If it is not of that form, or an operation is not of this space.
        """
        pattern = re.sub(r"e\d", r"([^|~+]*)", re.escape(ARCH_STRING))
        found = re.fullmatch(pattern, arch_string) if isinstance(arch_string, str) else None
        if found is None:
            raise ValueError(
                f"NASBench201: an arch string has the form {ARCH_STRING!r}, where e0 to e5 are "
                f"the operations of edges {', '.join(EDGES)}, but got {arch_string!r}."
            )
        params = dict(zip(EDGES, found.groups(), strict=True))
        for edge, operation in params.items():
            _check_operation(operation, f"edge {edge!r} of {arch_string!r}")
        return params


class Cell(nn.Module):
    """Four nodes, each the sum of what comes along its edges; takes the first, gives the last.

    Args:
        edges:
            The operations of ``EDGES``.
    """

    def __init__(self, edges: list[nn.Module]) -> None:
        super().__init__()
        self.edges = nn.ModuleList(edges)

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns ``[n, channels, h, w]``."""
        edges = iter(self.edges)
        nodes = [x]
        for _ in range(3):
            node: Tensor = sum(next(edges)(before) for before in nodes)
            nodes.append(node)
        return nodes[-1]


def _cell(trial: Trial, channels: int) -> Cell:
    operations = ops.nasbench201_operations(channels)
    return Cell([trial.suggest_module(edge, operations) for edge in EDGES])


def _check_operation(operation: Any, where: str) -> None:
    legal = list(ops.nasbench201_operations(1))
    if operation not in legal:
        raise ValueError(
            f"NASBench201: {where} must be one of {', '.join(legal)}, but got {operation!r}."
        )
