"""Arguments, checked before anything runs."""

from __future__ import annotations

import math
from numbers import Real
import operator

from optuna.study import Study


def checked_int(name: str, given: object, least: int, *, otherwise: str = "") -> int:
    """Returns an argument as an int.

    Args:
        name:
            The argument's.
        given:
            What came.
        least:
            The smallest that is legal.
        otherwise:
            What is legal too, for the message: ``", or None"``.

    Raises:
        ValueError:
            If it is no int, or too small.
    """
    try:
        value = operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        value = least - 1
    if isinstance(given, bool) or value < least:
        raise ValueError(
            f"{name} must be an int of at least {least}{otherwise}, but got {given!r}."
        )
    return value


def checked_float(
    name: str,
    given: object,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    otherwise: str = "",
) -> float:
    """Returns an argument as a float; ints and NumPy's numbers are numbers too, bools are not.

    Args:
        name:
            The argument's.
        given:
            What came.
        least:
            The smallest that is legal.
        above:
            What it must be larger than.
        most:
            The largest that is legal.
        below:
            What it must be smaller than.
        otherwise:
            For the message, its unit, or what is legal too: ``" seconds, or None"``.

    Raises:
        ValueError:
            If it is no finite number, or out of range.
    """
    limits = [
        (f"{words} {limit:g}", limit, holds)
        for words, limit, holds in (
            ("of at least", least, operator.ge),
            ("above", above, operator.gt),
            ("at most", most, operator.le),
            ("below", below, operator.lt),
        )
        if limit is not None
    ]
    is_number = isinstance(given, Real) and not isinstance(given, bool)
    try:
        value = float(given) if is_number else math.nan  # type: ignore[arg-type]
    except OverflowError:
        value = math.inf
    if not math.isfinite(value) or not all(holds(value, limit) for _, limit, holds in limits):
        legal = " and ".join(words for words, _, _ in limits)
        raise ValueError(f"{name} must be a finite number {legal}{otherwise}, but got {given!r}.")
    return value


def check_study(name: str, given: object) -> None:
    """Checks that an argument is a study.

    Args:
        name:
            The argument's.
        given:
            What came.

    Raises:
        TypeError:
            If it is none.
    """
    if not isinstance(given, Study):
        raise TypeError(
            f"{name} must be a study, but is {type(given).__name__}; "
            "optuna.load_study(study_name=..., storage=...) opens one."
        )
