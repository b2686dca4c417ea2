"""Checks of how many: rows, threads, repeats."""

from __future__ import annotations

from numbers import Integral
from typing import Any


def check_count(name: str, value: Any) -> None:
    """Checks a number of things.

    Args:
        name:
            The argument's name.
        value:
            What came.

    Raises:
        TypeError:
            If it is no int.
        ValueError:
            If it is below 1.
    """
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, but is {value!r} ({type(value).__name__}).")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, but is {value}.")
