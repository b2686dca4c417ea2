"""``ReusingTrial``: takes the modules of earlier runs again, where that makes no difference.

A survey runs a network hundreds of times and throws away what it gives. Most of that time would go
into modules that were made before, from the same numbers by the same code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Mapping
from functools import partial
from types import FunctionType
from typing import Any
from typing import TypeAlias

from torch import nn

from optuna_nas.space._decisions import module_distribution
from optuna_nas.space._node import checked_module
from optuna_nas.space._sampled import SampledTrial


Made: TypeAlias = tuple[nn.Module, str]
"""A module, and what it looked like when it was made."""


class ReusingTrial(SampledTrial):
    """A trial whose network is looked at, and not run.

    No two places of the network get the same module, so that it can count its weights. A module
    that a network has changed is made anew.

    Args:
        trial:
            Who answers.
        made:
            The modules of earlier runs on this device, by what they are made of. It adds its own.
    """

    def __init__(self, trial: Any, made: dict[Hashable, list[Made]]) -> None:
        super().__init__(trial)
        self._made = made
        self._taken: Counter[Hashable] = Counter()

    def suggest_module(
        self, name: str, options: Mapping[str, Callable[[], nn.Module]]
    ) -> nn.Module:
        chosen = self._ask(name, module_distribution(name, options))
        factory, key = options[chosen], ingredients(options[chosen])
        made = [] if key is None else self._made.setdefault(key, [])
        taken = self._taken[key] if made else 0
        self._taken[key] += 1
        if taken < len(made) and _looks(made[taken][0]) == made[taken][1]:
            return made[taken][0]
        module = checked_module(factory(), f"Decision {name!r}: option {chosen!r}")
        made[taken:] = [(module, _looks(module))]
        return module


def _looks(module: nn.Module) -> str:
    """What changes when parts or tensors are added to a module, taken away or replaced."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return f"{module} {[(name, tensor.shape, id(tensor)) for name, tensor in tensors]}"


def ingredients(factory: Any) -> Hashable | None:
    """Returns what a factory is made of; one that is made of the same makes the same module.

    Args:
        factory:
            A class, a function with what it closes over, or a partial of these.

    Returns:
        Something equal for equal factories. None if it holds anything but code, numbers, strings
        and tuples of these: a trial, which it might ask, or what might have changed since. What
        its code finds in global variables is taken to stay.
    """
    try:
        return _key(factory)
    except (_Unknown, ValueError, RecursionError):  # ValueError: an empty cell
        return None


class _Unknown(Exception):
    """Something whose equality would say nothing."""


def _key(part: Any) -> Hashable:
    if part is None or isinstance(part, bool | int | float | str | type):
        return type(part), part
    if isinstance(part, tuple):
        return (tuple, *map(_key, part))
    if isinstance(part, partial):
        named = sorted(part.keywords.items())
        return (partial, _key(part.func), _key(part.args), _key(tuple(named)))
    if isinstance(part, FunctionType):
        named = sorted((part.__kwdefaults__ or {}).items())
        held = tuple(cell.cell_contents for cell in part.__closure__ or ())
        found = part.__code__, id(part.__globals__)  # equal code of two files may find other names
        return (*found, _key(held), _key(part.__defaults__), _key(tuple(named)))
    raise _Unknown
