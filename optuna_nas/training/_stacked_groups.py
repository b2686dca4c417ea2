"""``groups``: which candidates of a batch can be trained as one.

One structure is one group. Groups that can be padded to one shape become one where the step that
is saved is worth more than the products with zeros that it costs.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Sequence

from torch import nn

from optuna_nas.training._recipe import Recipe
from optuna_nas.training._stacked_loop import Member
from optuna_nas.training._stacked_optimizer import optimizer_structure
from optuna_nas.training._stacked_padding import padded_structure
from optuna_nas.training._stacked_structure import structure
from optuna_nas.training._stacked_structure import token
from optuna_nas.training._stacked_structure import why_not


PADDING = 4.5e6
"""Products with zeros in a step, at most, to save a step of another stack.

What a step costs beside its products, about 0.9 ms on one core, over what a product costs in
forward and backward together, about 0.2 ns (``studies/batched_training``).
"""


def groups(members: Sequence[Member]) -> tuple[list[list[Member]], dict[str, list[Member]]]:
    """Members that can be trained as one, and by the reason those that cannot be.

    Args:
        members:
            Of any structure.
    """
    exact: dict[Hashable, list[Member]] = {}
    alone: dict[str, list[Member]] = {}
    for member in members:
        reason, recipe = why_not(member.module), _recipe_structure(member)
        if reason is None and recipe is None:
            reason = f"{type(member.recipe.optimizer).__name__} is not known to work on rows"
        if reason is not None:
            alone.setdefault(reason, []).append(member)
        else:
            exact.setdefault((structure(member.module), recipe), []).append(member)
    return _merged(list(exact.values())), alone


def _recipe_structure(member: Member) -> Hashable | None:
    """What recipes of a group agree in; what each member has of its own is not in it."""
    recipe: Recipe = member.recipe
    optimizer = optimizer_structure(recipe.optimizer, member.module)
    if optimizer is None:
        return None
    return optimizer, token([recipe.loss, recipe.label_smoothing, recipe.batch_size])


def _merged(exact: list[list[Member]]) -> list[list[Member]]:
    """The groups, with small networks in those of larger ones where padding is worth it."""
    merged: list[list[Member]] = []
    by_padded: dict[Hashable, list[list[Member]]] = {}
    for group in exact:
        padded = padded_structure(group[0].module)
        key = token(group) if padded is None else (padded, _recipe_structure(group[0]))
        by_padded.setdefault(key, []).append(group)
    for alike in by_padded.values():
        alike.sort(key=lambda group: _size(group[0].module), reverse=True)
        while alike:
            into = list(alike.pop(0))
            worth = [group for group in alike if _waste(into, group) <= PADDING]
            alike = [group for group in alike if not any(group is w for w in worth)]
            merged.append([*into, *(member for group in worth for member in group)])
    return merged


def _waste(into: Sequence[Member], group: Sequence[Member]) -> float:
    """Products with zeros in a step if the group is padded to the other's shape."""
    missing = _size(into[0].module) - _size(group[0].module)
    return float(len(group) * missing * group[0].recipe.batch_size)


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
