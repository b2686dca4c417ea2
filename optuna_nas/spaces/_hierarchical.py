"""Hierarchical representations: motifs made of motifs, down to primitive operations."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import nn
from torch import Tensor

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_whole


PRIMITIVES = tuple(ops.hierarchical_primitives(1))
STAGES = 3


@dataclass(frozen=True)
class Hierarchical:
    """Networks whose cell is made of motifs (Liu et al. 2018, https://arxiv.org/abs/1711.00436).

    A motif is a graph from its first node to its last, with an operation on every edge from an
    earlier to a later node (sec. 2.2). Operations of level 1 are primitives; those of a higher
    level are the motifs one level below, each a name for a structure: wherever it stands, it has
    weights of its own. The one motif of the top level is the cell. Three stages of cells, with a
    separable convolution of stride 2 between them that doubles the channels, take
    ``[n, in_channels, h, w]`` to ``[n, num_classes]``.

    Decisions: ``level2/motif0/0>1``, the operation from node 0 to node 1 of a motif of level 2;
    ``level3/motif0/0>1``, a motif of level 2 (``"motif0"``, ...) or ``"none"``; and so on. A motif
    that no edge names is not asked about. At a node, motifs sum; the paper's concatenate, but
    then a motif's width would depend on its edges.

    Example:

        .. code-block:: python

            network = spaces.Hierarchical(in_channels=1)
            study.optimize(Objective(network, Train(train, valid, epochs=20)), n_trials=50)

    Args:
        num_classes:
            How many numbers to predict.
        channels:
            Channels of the first stage; they double from stage to stage.
        cells:
            Cells a stage.
        in_channels:
            Channels of an image.
        levels:
            From level 2 up to the top, how many motifs a level has and how many nodes each of
            them; the top has one. The paper's are ``[(6, 4), (1, 5)]``.
        primitives:
            Candidates for level 1, among ``ops.hierarchical_primitives(channels)``.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    num_classes: int = 10
    channels: int = 16
    cells: int = 1
    in_channels: int = 3
    levels: Sequence[tuple[int, int]] = ((3, 3), (1, 4))
    primitives: Sequence[str] = PRIMITIVES

    def __post_init__(self) -> None:
        for name in ("num_classes", "channels", "cells", "in_channels"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")
        self._check_levels()
        expected = f"names among {', '.join(PRIMITIVES)}"
        check_candidates(self, "primitives", PRIMITIVES.__contains__, expected)

    def _check_levels(self) -> None:
        expected = "a list of (motifs, nodes), at least 1 of at least 2, from level 2 to the top"
        levels = self.levels
        check(self, "levels", isinstance(levels, Sequence) and len(levels) > 0, expected)
        check(self, "levels", all(map(_is_level, levels)), expected)
        check(self, "levels", levels[-1][0] == 1, f"{expected}, which has 1 motif, the cell")
        object.__setattr__(self, "levels", tuple((int(m), int(n)) for m, n in levels))

    def __call__(self, trial: Trial) -> nn.Module:
        width = self.channels
        body: list[nn.Module] = [ops.conv_bn(self.in_channels, width, 3), nn.ReLU()]
        top = 1 + len(self.levels)
        for stage in range(STAGES):
            if stage > 0:
                body.append(_reduction(width))
                width *= 2
            body.extend(self._motif(trial, top, "motif0", width) for _ in range(self.cells))
        head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, self.num_classes))
        return nn.Sequential(*body, *head)

    def _motif(self, trial: Trial, level: int, name: str, width: int) -> nn.Module:
        _, nodes = self.levels[level - 2]
        at = trial.scope(f"level{level}").scope(name)
        operations = self._operations(trial, level - 1, width)
        edges = ((j, i) for j in range(1, nodes) for i in range(j))
        return Motif(nodes, [at.suggest_module(f"{i}>{j}", operations) for j, i in edges])

    def _operations(
        self, trial: Trial, level: int, width: int
    ) -> dict[str, Callable[[], nn.Module]]:
        """What an edge one level further up chooses from."""
        if level == 1:
            primitives = ops.hierarchical_primitives(width)
            return {name: primitives[name] for name in self.primitives}
        motifs, _ = self.levels[level - 2]
        names = (f"motif{m}" for m in range(motifs))
        made = {name: partial(self._motif, trial, level, name, width) for name in names}
        return {"none": ops.Zero, **made}


class Motif(nn.Module):
    """Nodes, each the sum of what comes along its edges; takes the first, gives the last.

    Args:
        nodes:
            How many nodes.
        edges:
            The operations from node 0 to 1, from 0 and 1 to 2, from 0, 1 and 2 to 3, and so on.
    """

    def __init__(self, nodes: int, edges: Sequence[nn.Module]) -> None:
        super().__init__()
        self.nodes = nodes
        self.edges = nn.ModuleList(edges)

    def forward(self, x: Tensor) -> Tensor:
        """Takes and returns ``[n, channels, h, w]``."""
        edges = iter(self.edges)
        states = [x]
        for _ in range(1, self.nodes):
            state: Tensor = sum(next(edges)(before) for before in states)
            states.append(state)
        return states[-1]


def _is_level(level: Any) -> bool:
    if not isinstance(level, Sequence) or isinstance(level, str) or len(level) != 2:
        return False
    motifs, nodes = level
    return is_whole(motifs) and is_whole(nodes, low=2)


def _reduction(channels: int) -> nn.Module:
    """Twice the channels, half the height and width."""
    depthwise = nn.Conv2d(channels, channels, 3, 2, 1, groups=channels, bias=False)
    norm = nn.BatchNorm2d(channels)
    return nn.Sequential(
        depthwise, norm, nn.ReLU(), *ops.conv_bn(channels, 2 * channels, 1), nn.ReLU()
    )
