"""The cell space of DARTS: a normal and a reduction cell, whose nodes choose their inputs."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import torch
from torch import nn

from optuna_nas import ops
from optuna_nas.space import Trial
from optuna_nas.spaces._arguments import check
from optuna_nas.spaces._arguments import check_candidates
from optuna_nas.spaces._arguments import is_whole
from optuna_nas.spaces._darts_cells import auxiliary_head
from optuna_nas.spaces._darts_cells import Cell
from optuna_nas.spaces._darts_cells import Cells
from optuna_nas.spaces._darts_cells import pooled_head
from optuna_nas.spaces._genotype import CELLS
from optuna_nas.spaces._genotype import read_genotype


OPERATIONS = tuple(ops.darts_operations(1))


@dataclass(frozen=True)
class DARTS:
    """Networks of two cells, repeated (Liu et al. 2019, https://arxiv.org/abs/1806.09055).

    They take ``[n, in_channels, h, w]`` to ``[n, num_classes]``. A cell's nodes 0 and 1 are the
    outputs of the two cells before; each further node sums k of the nodes before it, each through
    an operation; the cell gives all further nodes, concatenated. Cells at a third and at two
    thirds of the depth are reduction cells, which halve height and width and double the channels.

    Decisions, shared by all cells of a kind: ``normal/node3``, the inputs of a node (``"0+2"``),
    and ``normal/0>3``, the operation on an edge taken; likewise ``reduce/...``. With the defaults
    there are (180 x 8^8)^2 architectures. Without ``"none"``, which the paper needs for its
    mixtures and never derives, there are its (180 x 7^8)^2 of about 10^18 (appendix A).

    Example:

        .. code-block:: python

            network = spaces.DARTS(channels=8, layers=5)
            study.optimize(Objective(network, Train(train, valid, epochs=20)), n_trials=50)
            print(network.genotype(study.best_params))

    Args:
        num_classes:
            How many numbers to predict.
        channels:
            The width of the first cells: 16 in the paper's search, 36 for its final networks.
        layers:
            How many cells: 8 in the paper's search, 20 in its final networks.
        in_channels:
            Channels of an image.
        nodes:
            How many nodes a cell has beside its two inputs.
        k:
            How many inputs a node takes (or all, where it has less).
        operations:
            Candidates for an edge, among ``ops.darts_operations(channels)``.
        affine:
            Whether batch normalizations have weights; the paper searches without.
        drop_path:
            In training, the share of rows that an edge drops, unless it is the identity.
        auxiliary:
            Whether there is a second head after the second reduction. Then the module gives
            (logits, auxiliary logits) in training mode, and logits otherwise. ``Train`` takes
            one tensor: write your own function of (module, trial), which adds the second loss
            (in the paper, times 0.4).
        partial:
            For a supernet: one channel in this many goes through the operations, the others pass
            by, which saves memory (PC-DARTS, Xu et al. 2020,
            https://arxiv.org/abs/1907.05737, where it is 4). The decisions are the same, so that
            ``DARTS(partial=1)`` builds what is found.

    Raises:
        ValueError:
            If an argument is not legal.
    """

    num_classes: int = 10
    channels: int = 16
    layers: int = 8
    in_channels: int = 3
    nodes: int = 4
    k: int = 2
    operations: Sequence[str] = OPERATIONS
    affine: bool = True
    drop_path: float = 0.0
    auxiliary: bool = False
    partial: int = 1

    def __post_init__(self) -> None:
        for name in ("num_classes", "channels", "in_channels", "nodes", "k", "partial"):
            check(self, name, is_whole(getattr(self, name)), "an int of at least 1")
        divides = "a divisor of channels, so that all parts are alike"
        check(self, "partial", self.channels % self.partial == 0, divides)
        at_least_3 = "an int of at least 3, so that there are cells of both kinds"
        check(self, "layers", is_whole(self.layers, low=3), at_least_3)
        expected = f"names among {', '.join(OPERATIONS)}"
        check_candidates(self, "operations", OPERATIONS.__contains__, expected)
        for name in ("affine", "auxiliary"):
            check(self, name, isinstance(getattr(self, name), bool), "True or False")
        is_share = isinstance(self.drop_path, int | float) and 0 <= self.drop_path < 1
        check(self, "drop_path", is_share, "a number of at least 0 and below 1")

    def __call__(self, trial: Trial) -> nn.Module:
        reductions = (self.layers // 3, 2 * self.layers // 3)
        width, was_reduction, cells = self.channels, False, []
        before_last = last = 3 * width
        for layer in range(self.layers):
            is_reduction = layer in reductions
            width *= 2 if is_reduction else 1
            inputs = self._inputs(before_last, last, width, was_reduction)
            cells.append(Cell(inputs, self._nodes(trial, width, is_reduction)))
            before_last, last, was_reduction = last, self.nodes * width, is_reduction
        network = Cells(
            stem=ops.conv_bn(self.in_channels, 3 * self.channels, 3),
            cells=cells,
            head=pooled_head(last, self.num_classes),
            auxiliary=auxiliary_head(last, self.num_classes) if self.auxiliary else None,
            auxiliary_after=reductions[-1],
        )
        # In this layout, depthwise convolutions take less time on a CPU.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network

    def _inputs(self, before_last: int, last: int, width: int, halve: bool) -> list[nn.Module]:
        """What makes the two cells before agree in shape."""
        squeeze = partial(_relu_conv_bn, outputs=width, affine=self.affine)
        reduce = partial(ops.FactorizedReduction, outputs=width, affine=self.affine)
        return [(reduce if halve else squeeze)(before_last), squeeze(last)]

    def _nodes(self, trial: Trial, width: int, is_reduction: bool) -> list[nn.Module]:
        at = trial.scope(CELLS[is_reduction])

        def edge(i: int, j: int) -> nn.Module:
            stride = 2 if is_reduction and i < 2 else 1

            def choice(channels: int) -> nn.Module:
                return at.suggest_module(f"{i}>{j}", self._operations(channels, stride))

            if self.partial == 1:
                return choice(width)
            return ops.PartialChannels(choice, width, self.partial, stride)

        return [
            at.suggest_inputs(f"node{j}", j, min(self.k, j), partial(edge, j=j))
            for j in range(2, 2 + self.nodes)
        ]

    def _operations(self, width: int, stride: int) -> dict[str, Callable[[], nn.Module]]:
        made = ops.darts_operations(width, stride, affine=self.affine)
        drop = partial(_with_drop_path, p=self.drop_path)
        return {
            name: partial(drop, made[name]) if self.drop_path else made[name]
            for name in self.operations
        }

    def genotype(self, params: Mapping[str, Any]) -> str:
        """Returns the paper's text of an architecture: ``Genotype(normal=[...], ...)``.

        Args:
            params:
                Its decisions. Names that are none of this space (``lr``, ...) are passed over.

        Raises:
            ValueError:
                If a decision is missing or its value is not of this space.
        """
        concat = range(2, 2 + self.nodes)
        genes = ((cell, self._gene(params, cell)) for cell in CELLS)
        fields = (f"{cell}={gene!r}, {cell}_concat={concat!r}" for cell, gene in genes)
        return f"Genotype({', '.join(fields)})"

    def _gene(self, params: Mapping[str, Any], cell: str) -> list[tuple[str, int]]:
        gene = []
        for j in range(2, 2 + self.nodes):
            taken = _chosen(params, f"{cell}/node{j}", self._subsets(j)).split("+")
            edges = ((f"{cell}/{i}>{j}", int(i)) for i in taken)
            gene += [(_chosen(params, edge, self.operations), i) for edge, i in edges]
        return gene

    def from_genotype(self, genotype: str) -> dict[str, str]:
        """Returns the params of the architecture with this text.

        Args:
            genotype:
                As :meth:`genotype` writes it and papers print it: a node's edges in any order,
                ``normal_concat`` a range or a list.

        Raises:
            ValueError:
                If it is not of that form, or the architecture is not of this space.
        """
        fields = read_genotype(genotype)
        params: dict[str, str] = {}
        for cell in CELLS:
            concat = list(range(2, 2 + self.nodes))
            if list(fields[f"{cell}_concat"]) != concat:
                raise ValueError(
                    f"DARTS: {cell}_concat must be {concat}, all nodes of a cell, but got "
                    f"{fields[f'{cell}_concat']!r}."
                )
            params |= self._params(cell, fields[cell])
        self.genotype(params)  # which checks them
        return params

    def _params(self, cell: str, gene: Sequence[tuple[str, int]]) -> dict[str, str]:
        sizes = [min(self.k, j) for j in range(2, 2 + self.nodes)]
        if len(gene) != sum(sizes):
            raise ValueError(
                f"DARTS: {cell} must have {sum(sizes)} edges ({self.nodes} nodes with "
                f"k={self.k}), but got {len(gene)}."
            )
        params, left = {}, iter(gene)
        for j, size in enumerate(sizes, start=2):
            edges = sorted((next(left) for _ in range(size)), key=lambda edge: edge[1])
            params[f"{cell}/node{j}"] = "+".join(str(i) for _, i in edges)
            params |= {f"{cell}/{i}>{j}": operation for operation, i in edges}
        return params

    def _subsets(self, j: int) -> list[str]:
        """The values of the decision which inputs node j takes."""
        return ["+".join(map(str, taken)) for taken in combinations(range(j), min(self.k, j))]


def _with_drop_path(make: Callable[[], nn.Module], p: float) -> nn.Module:
    module = make()
    return module if isinstance(module, nn.Identity) else nn.Sequential(module, ops.DropPath(p))


def _relu_conv_bn(inputs: int, outputs: int, affine: bool) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(outputs, affine=affine))


def _chosen(params: Mapping[str, Any], name: str, legal: Sequence[str]) -> str:
    if name not in params:
        raise ValueError(f"DARTS: params lack {name!r}, got {dict(params)!r}.")
    if params[name] not in legal:
        raise ValueError(
            f"DARTS: {name!r} must be one of {', '.join(legal)}, but got {params[name]!r}."
        )
    return str(params[name])
