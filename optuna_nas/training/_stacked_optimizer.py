"""``StackedOptimizer``: torch's own optimizer on stacked weights, with a rate for each member.

All weights of a member lie in one row. What torch's optimizers do, they do to each number alone,
so rows are as good a parameter as the tensors they are made of. The step that they take at a rate
of 1 and without decay, from zero, is then scaled by each member's own rate: one call for all
members, where a parameter group for each would be as many.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import nn
from torch import Tensor

from optuna_nas.training._recipe import Recipe
from optuna_nas.training._stacked_module import Stack
from optuna_nas.training._stacked_structure import token


EACH_NUMBER_ALONE = (
    torch.optim.Adadelta,
    torch.optim.Adam,
    torch.optim.Adamax,
    torch.optim.AdamW,
    torch.optim.NAdam,
    torch.optim.RAdam,
    torch.optim.RMSprop,
    torch.optim.SGD,
)
"""Optimizers that do not look at shapes, or from one number to another."""


def optimizer_structure(optimizer: torch.optim.Optimizer, module: nn.Module) -> Hashable | None:
    """What optimizers of a stack share: their type, and which weights are in which group.

    Args:
        optimizer:
            Of the module.
        module:
            What it trains.

    Returns:
        None if this one cannot be part of a stack.
    """
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    settings = [value for group in optimizer.param_groups for value in _settings(group).values()]
    inside = all(id(p) in names for group in optimizer.param_groups for p in group["params"])
    if type(optimizer) not in EACH_NUMBER_ALONE or optimizer.state or not inside:
        return None
    if any(isinstance(value, Tensor) for value in settings):
        return None
    if any(group.get("maximize") for group in optimizer.param_groups):
        return None
    groups = (tuple(names[id(p)] for p in group["params"]) for group in optimizer.param_groups)
    return type(optimizer), tuple(groups)


@dataclass
class _Part:
    """The weights of one group of the recipe's optimizer, and one type: a row for each member."""

    group: int | None
    names: list[str]
    rows: Tensor
    gradients: Tensor
    views: dict[str, Tensor]


@dataclass
class _Block:
    """Members of a part, one after the other, whose settings are equal but for rate and decay."""

    part: _Part
    members: range
    moved: nn.Parameter
    """How far a step moves the rows at a rate of 1."""
    decay: Tensor
    is_decoupled: bool

    def rows(self, of: Tensor) -> Tensor:
        return of[self.members.start : self.members.stop]


class StackedOptimizer:
    """Steps of all members at once.

    Args:
        stack:
            What to train. Its parameters become views of rows at the first step.
        modules:
            The members' own.
        recipes:
            The members'.
    """

    def __init__(
        self, stack: Stack, modules: Sequence[nn.Module], recipes: Sequence[Recipe]
    ) -> None:
        self._stack = stack
        self._recipes = list(recipes)
        names = {id(parameter): name for name, parameter in modules[0].named_parameters()}
        self._groups = {
            names[id(parameter)]: i
            for i, group in enumerate(recipes[0].optimizer.param_groups)
            for parameter in group["params"]
        }
        self._parts: list[_Part] = []
        self._blocks: list[_Block] = []
        self._optimizer: torch.optim.Optimizer | None = None
        self._given: frozenset[str] = frozenset()

    def backward(self, loss: Tensor) -> None:
        """Computes the gradients.

        Weights that the first loss does not depend on stay as they are, here and in all steps.

        Args:
            loss:
                The sum of the members'.

        Raises:
            RuntimeError:
                If it depends on other weights than the first did.
        """
        held = {name: p for name, p in self._stack.parameters.items() if p.requires_grad}
        found = torch.autograd.grad(loss, list(held.values()), allow_unused=True)
        given = {n: g for n, g in zip(held, found, strict=True) if g is not None}
        if self._optimizer is None:
            self._lay_out(list(given))
            self._given = frozenset(given)
        if given.keys() != self._given:
            raise RuntimeError(
                "a network that is trained in a group uses other weights from step to step: "
                f"{', '.join(sorted(given.keys() ^ self._given))}. Train it with study.optimize, "
                "or draw what it uses with torch."
            )
        for part in self._parts:
            for name, view in part.views.items():
                view.copy_(given[name])

    @torch.no_grad()
    def step(self, progress: float) -> None:
        """Clips, and makes a step.

        Args:
            progress:
                What the schedules follow, in [0, 1].
        """
        assert self._optimizer is not None
        if any(recipe.clip_norm is not None for recipe in self._recipes):
            self._clip()
        factors = [recipe.schedule(progress) for recipe in self._recipes]
        rates = [self._rates(block, factors) for block in self._blocks]
        for block, rate in zip(self._blocks, rates, strict=True):
            rows, gradients = block.rows(block.part.rows), block.rows(block.part.gradients)
            block.moved.grad = gradients
            if block.is_decoupled:
                rows.mul_(1 - rate * block.decay)
            else:
                gradients.addcmul_(rows, block.decay)
        self._optimizer.step()
        for block, rate in zip(self._blocks, rates, strict=True):
            block.rows(block.part.rows).addcmul_(block.moved, rate)
            block.moved.zero_()

    def keep(self, kept: Sequence[int], rows: Tensor) -> None:
        """Drops all other members; the stack has dropped them already.

        Args:
            kept:
                Which to keep, in order.
            rows:
                The same on the device.
        """
        self._recipes = [self._recipes[i] for i in kept]
        if self._optimizer is None:
            return
        before = self._states()
        for part in self._parts:
            part.rows = part.rows.index_select(0, rows)
            part.gradients = torch.zeros_like(part.rows)
            self._bind(part)
        self._begin()
        for block in self._blocks:
            states = [before[id(block.part), kept[i]] for i in block.members]
            self._optimizer.state[block.moved] = _together(states)

    def _lay_out(self, names: Sequence[str]) -> None:
        held = self._stack.parameters
        kinds: dict[tuple[int | None, torch.dtype], list[str]] = {}
        for name in names:
            kinds.setdefault((self._groups.get(name), held[name].dtype), []).append(name)
        for (group, _), members in kinds.items():
            rows = torch.cat([held[name].detach().flatten(1) for name in members], dim=1)
            self._parts.append(_Part(group, members, rows, torch.zeros_like(rows), {}))
            self._bind(self._parts[-1])
        self._begin()

    def _bind(self, part: _Part) -> None:
        """Makes the stack's parameters, and places for their gradients, views of the rows."""
        at, held = 0, self._stack.parameters
        for name in part.names:
            shape = held[name].shape[1:]
            columns = slice(at, at + shape.numel())
            views = [of[:, columns].view(-1, *shape) for of in (part.rows, part.gradients)]
            held[name] = views[0].requires_grad_()
            part.views[name] = views[1]
            at = columns.stop

    def _begin(self) -> None:
        """Makes the optimizer: a parameter for each part and run of members."""
        self._blocks, groups = [], []
        for part in self._parts:
            if part.group is None:
                continue
            for members in _runs(self._recipes):
                of = [self._group(i, part) for i in members]
                decays = [group.get("weight_decay", 0.0) for group in of]
                first = self._recipes[members.start].optimizer
                block = _Block(
                    part,
                    members,
                    nn.Parameter(torch.zeros_like(part.rows[members.start : members.stop])),
                    torch.tensor(decays).to(part.rows)[:, None],
                    isinstance(first, torch.optim.AdamW)
                    or of[0].get("decoupled_weight_decay", False),
                )
                self._blocks.append(block)
                groups.append({**_alike(of[0]), "params": [block.moved]})
        kind: Any = type(self._recipes[0].optimizer)
        self._optimizer = kind(groups, lr=1.0, weight_decay=0.0)

    def _group(self, i: int, part: _Part) -> dict[str, Any]:
        assert part.group is not None
        return self._recipes[i].optimizer.param_groups[part.group]

    def _rates(self, block: _Block, factors: Sequence[float]) -> Tensor:
        """Each member's learning rate, ``[members, 1]``."""
        rates = [self._group(i, block.part)["lr"] * factors[i] for i in block.members]
        return torch.tensor(rates).to(block.decay)[:, None]

    def _states(self) -> dict[tuple[int, int], dict[str, Any]]:
        """The optimizer's state of each part and member."""
        assert self._optimizer is not None
        return {
            (id(block.part), i): {
                name: value[row] if _has_rows(value) else value
                for name, value in self._optimizer.state[block.moved].items()
            }
            for block in self._blocks
            for row, i in enumerate(block.members)
        }

    def _clip(self) -> None:
        """As ``nn.utils.clip_grad_norm_`` does it for what one optimizer holds."""
        held = [part for part in self._parts if part.group is not None]
        norms = sum(part.gradients.square().sum(1) for part in held)
        assert isinstance(norms, Tensor)
        bounds = [float("inf") if r.clip_norm is None else r.clip_norm for r in self._recipes]
        limits = torch.tensor(bounds, device=norms.device)
        factors = (limits / (norms.sqrt() + 1e-6)).clamp(max=1.0)
        for part in held:
            part.gradients.mul_(factors[:, None].to(part.gradients.dtype))


def _has_rows(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0


def _together(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The state of members of one block; numbers, such as the step, they share."""
    return {
        name: torch.stack([state[name] for state in states]) if _has_rows(value) else value
        for name, value in states[0].items()
    }


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _alike(group: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that members of a block share."""
    return {
        name: value
        for name, value in _settings(group).items()
        if name not in ("lr", "weight_decay", "initial_lr")
    }


def _runs(recipes: Sequence[Recipe]) -> list[range]:
    """Members one after the other whose settings are equal but for rate and decay."""
    keys = [token([_alike(group) for group in r.optimizer.param_groups]) for r in recipes]
    runs = []
    for _, members in groupby(range(len(recipes)), key=keys.__getitem__):
        found = list(members)
        runs.append(range(found[0], found[-1] + 1))
    return runs
