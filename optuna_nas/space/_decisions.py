"""From a question to Optuna's distribution of its answers, checked before anything is sampled."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import combinations
import math
from numbers import Real
from typing import Any

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


def cardinality(distribution: BaseDistribution) -> int | None:
    """Returns how many values a distribution has, or None where it is a continuum.

    Args:
        distribution:
            Any of Optuna's three distributions.
    """
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    if distribution.single():
        return 1
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    if isinstance(distribution, IntDistribution):
        return (distribution.high - distribution.low) // distribution.step + 1
    if distribution.step is None:
        return None
    return round((distribution.high - distribution.low) / distribution.step) + 1


def value_at(distribution: BaseDistribution, i: int) -> Any:
    """Returns the i-th value, in order, of a distribution that is no continuum.

    Args:
        distribution:
            Any of Optuna's three distributions.
        i:
            From 0.
    """
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[i]
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return distribution.low + i * (distribution.step or 0)


def first(distribution: BaseDistribution) -> Any:
    """Returns the first choice, or the lowest number.

    Args:
        distribution:
            Any of Optuna's three distributions.
    """
    return value_at(distribution, 0)


def legal(distribution: BaseDistribution, value: Any) -> bool:
    """Returns whether a trial may give this value.

    Args:
        distribution:
            What the value is to be taken from.
        value:
            Anything.
    """
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    if isinstance(value, bool) or not isinstance(value, Real) or math.isnan(value):
        return False
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    number = float(value)  # of a float, rounding may have moved the last digits
    if isinstance(distribution, FloatDistribution):
        number = min(max(number, distribution.low), distribution.high)
        if not math.isclose(number, value, rel_tol=1e-9, abs_tol=1e-12):
            return False
    return distribution._contains(number)


def int_distribution(name: str, low: int, high: int, step: int, log: bool) -> IntDistribution:
    with _named(name):
        _check_divisible(low, high, step)
        return IntDistribution(low, high, log=log, step=step)


def float_distribution(
    name: str, low: float, high: float, step: float | None, log: bool
) -> FloatDistribution:
    with _named(name):
        if step is not None:
            _check_divisible(low, high, step)
        return FloatDistribution(low, high, log=log, step=step)


def categorical_distribution(
    name: str, choices: Sequence[Any], noun: str = "choices"
) -> CategoricalDistribution:
    check_name(name)
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
    if len(set(choices)) < len(choices) or any(choice != choice for choice in choices):
        raise SearchSpaceError(
            f"Decision {name!r}: {noun} must differ from one another (1, 1.0 and True do not, nor "
            f"does NaN from itself), but got {list(choices)!r}."
        )
    return CategoricalDistribution(list(choices))


def module_distribution(name: str, options: Mapping[str, Any]) -> CategoricalDistribution:
    check_name(name)
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
    if type(before) is not type(now) or vars(before) != vars(now):
        raise SearchSpaceError(
            f"Decision {name!r} was asked with two distributions: {describe(before)}, and now "
            f"{describe(now)}. One name is one decision for the whole study: use another name, or "
            "begin a new study."
        )


def _check_divisible(low: float, high: float, step: float) -> None:
    """Optuna would lower ``high``, and warn each time that the question is asked."""
    exact = [Decimal(str(number)) for number in (low, high, step)]
    rest = (exact[1] - exact[0]) % exact[2] if exact[2] > 0 <= exact[1] - exact[0] else 0
    if rest:
        raise ValueError(
            f"high is not reached from low in steps of {step}, but got ({low=}, {high=}); write "
            f"high={exact[1] - rest}."
        )


def check_name(name: str) -> None:
    """Raises unless a name can be one."""
    if not isinstance(name, str) or not name:
        raise SearchSpaceError(f"A decision's name must be a str that is not empty, got {name!r}.")


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Puts the decision's name before what Optuna says about its range."""
    check_name(name)
    try:
        yield
    except (TypeError, ValueError) as error:
        raise SearchSpaceError(f"Decision {name!r}: {error}") from error
