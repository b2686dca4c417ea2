"""From a question to Optuna's distribution of its answers, checked before anything is sampled."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Any
from typing import cast

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution
from torch import nn


class SearchSpaceError(ValueError):
    """The search space itself is wrong, whatever is sampled from it: a bug, never a bad trial."""


def describe(distribution: BaseDistribution) -> str:
    """Returns the legal values in words: ``one of 'relu', 'gelu'`` or ``16..64 in steps of 16``.

    Args:
        distribution:
            Any of Optuna's three distributions.
    """
    if isinstance(distribution, CategoricalDistribution):
        return "one of " + ", ".join(map(repr, distribution.choices))
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    is_int = isinstance(distribution, IntDistribution)
    kind, plain_step = ("int", 1) if is_int else ("float", None)
    step = f" in steps of {distribution.step}" if distribution.step != plain_step else ""
    log = " (log)" if distribution.log else ""
    return f"{kind} {distribution.low}..{distribution.high}{step}{log}"


def grid(distribution: BaseDistribution) -> Sequence[Any] | None:
    """Returns every value of a distribution, or None where it is a continuum.

    Args:
        distribution:
            Any of Optuna's three distributions.
    """
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    if isinstance(distribution, IntDistribution):
        return range(distribution.low, distribution.high + 1, distribution.step)
    assert isinstance(distribution, FloatDistribution)
    if distribution.single():
        return (distribution.low,)
    if distribution.step is None:
        return None
    steps = round((distribution.high - distribution.low) / distribution.step)
    return [distribution.low + i * distribution.step for i in range(steps + 1)]


def first(distribution: BaseDistribution) -> Any:
    """Returns the first choice, or the lowest number.

    Args:
        distribution:
            Any of Optuna's three distributions.
    """
    values = grid(distribution)
    return values[0] if values is not None else cast(FloatDistribution, distribution).low


def legal(distribution: BaseDistribution, value: Any) -> bool:
    """Returns whether a trial may give this value.

    Args:
        distribution:
            What the value is to be taken from.
        value:
            Anything.
    """
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False


def int_distribution(name: str, low: int, high: int, step: int, log: bool) -> IntDistribution:
    with _named(name):
        return IntDistribution(low, high, log=log, step=step)


def float_distribution(
    name: str, low: float, high: float, step: float | None, log: bool
) -> FloatDistribution:
    with _named(name):
        return FloatDistribution(low, high, log=log, step=step)


def categorical_distribution(
    name: str, choices: Sequence[Any], noun: str = "choices"
) -> CategoricalDistribution:
    _check_name(name)
    if isinstance(choices, str) or not isinstance(choices, Sequence):
        raise SearchSpaceError(
            f"Decision {name!r}: {noun} must be a list, but got {choices!r}. "
            f"Write suggest_categorical({name!r}, [...])."
        )
    if len(choices) == 0:
        raise SearchSpaceError(f"Decision {name!r}: {noun} are empty; give at least one.")
    for choice in choices:
        if choice is not None and not isinstance(choice, str | int | float | bool):
            raise SearchSpaceError(
                f"Decision {name!r}: {noun} must be str, int, float, bool or None, but got "
                f"{choice!r} ({type(choice).__name__}). Choose among short names, and look the "
                "object up by its name; suggest_module does that for modules."
            )
    repeated = [c for i, c in enumerate(choices) if c != c or c in list(choices)[:i]]
    if repeated:
        raise SearchSpaceError(
            f"Decision {name!r}: {noun} must differ from one another (1, 1.0 and True do not, nor "
            f"does NaN from itself), but {repeated[0]!r} came again in {list(choices)!r}."
        )
    return CategoricalDistribution(list(choices))


def module_distribution(name: str, options: Mapping[str, Any]) -> CategoricalDistribution:
    _check_name(name)
    if not isinstance(options, Mapping):
        raise SearchSpaceError(
            f"Decision {name!r}: options must be a dict from a short name to a function without "
            f"arguments that makes the module, but got {type(options).__name__}."
        )
    for key, factory in options.items():
        if not isinstance(key, str) or not callable(factory):
            raise SearchSpaceError(
                f"Decision {name!r}: options must be a dict from str to a function without "
                f"arguments, but got {key!r}: {factory!r}."
            )
        if isinstance(factory, nn.Module):
            raise SearchSpaceError(
                f"Decision {name!r}: option {key!r} is a module that was built already; "
                f"give its factory: {{{key!r}: lambda: {type(factory).__name__}(...)}}."
            )
    return categorical_distribution(name, list(options), noun="options")


def repeat_distribution(name: str, low: int, high: int) -> IntDistribution:
    distribution = int_distribution(name, low, high, step=1, log=False)
    if low < 0:
        raise SearchSpaceError(f"Decision {name!r}: low must be at least 0, but got {low}.")
    return distribution


def inputs_distribution(name: str, n: int, k: int) -> CategoricalDistribution:
    """Choices are the k-subsets of 0..n-1, as ``"0+2"``."""
    if not 1 <= k <= n:
        raise SearchSpaceError(
            f"Decision {name!r}: a node takes k of its n inputs, 1 <= k <= n, but got {k=}, {n=}."
        )
    subsets = ["+".join(map(str, taken)) for taken in combinations(range(n), k)]
    return categorical_distribution(name, subsets, noun="inputs")


def check_same(name: str, before: BaseDistribution, now: BaseDistribution) -> None:
    """Raises unless a name that was asked before is asked with the same distribution."""
    if before != now or type(before) is not type(now):
        raise SearchSpaceError(
            f"Decision {name!r} was asked with two distributions: {describe(before)}, and now "
            f"{describe(now)}. One name is one decision for the whole study: use another name, or "
            "begin a new study."
        )


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name:
        raise SearchSpaceError(f"A decision's name must be a str that is not empty, got {name!r}.")


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Puts the decision's name before what Optuna says about its range."""
    _check_name(name)
    try:
        yield
    except (TypeError, ValueError) as error:
        raise SearchSpaceError(f"Decision {name!r}: {error}") from error
