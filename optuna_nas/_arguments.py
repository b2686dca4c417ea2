"""Arguments, checked before anything runs."""

from __future__ import annotations

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
