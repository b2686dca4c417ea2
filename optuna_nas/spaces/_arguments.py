"""Checks of what a ready-made space is given: what it says names the argument and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from numbers import Integral
from typing import Any


def is_whole(value: Any, low: int = 1) -> bool:
    """Returns whether it is an integer of at least ``low``.

    NumPy's integers are welcome (``y.max() + 1`` classes); bools are not numbers here.

    Args:
        value:
            Anything.
        low:
            The smallest legal integer.
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= low


def is_odd(value: Any) -> bool:
    """Returns whether it is an odd integer of at least 1.

    Args:
        value:
            Anything.
    """
    return is_whole(value) and value % 2 == 1


def check(space: Any, name: str, legal: bool, expected: str, hint: str = "") -> None:
    """Raises unless an argument of a space is legal.

    Args:
        space:
            The dataclass.
        name:
            The argument.
        legal:
            Whether it is.
        expected:
            What is legal, in words.
        hint:
            What to do.
    """
    if not legal:
        raise ValueError(
            f"{type(space).__name__}: {name} must be {expected}, but got "
            f"{getattr(space, name)!r}{hint}."
        )


def check_candidates(space: Any, name: str, legal: Callable[[Any], bool], expected: str) -> None:
    """Raises unless an argument holds one or more legal candidates; keeps them as a tuple.

    Args:
        space:
            The dataclass.
        name:
            The argument.
        legal:
            Whether one candidate is.
        expected:
            What they are, in words.
    """
    values, expected = getattr(space, name), f"a list of {expected}"
    if isinstance(values, str | int | float):
        check(space, name, False, expected, f"; for one candidate write [{values!r}]")
    check(space, name, isinstance(values, Sequence) and not isinstance(values, Mapping), expected)
    check(space, name, len(values) > 0, expected, "; give at least one")
    check(space, name, all(map(legal, values)), expected)
    repeated = any(value in values[:i] for i, value in enumerate(values))
    check(space, name, not repeated, expected, "; they must differ")
    object.__setattr__(space, name, tuple(values))


def is_share(value: object) -> bool:
    """Returns whether a value is a number of at least 0 and below 1.

    Args:
        value:
            Anything.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
