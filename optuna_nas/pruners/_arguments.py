"""Arguments, checked before anything runs."""

from __future__ import annotations

import operator


def checked_int(name: str, given: object, least: int) -> int:
    """Returns an argument as an int.

    Args:
        name:
            The argument's.
        given:
            What came.
        least:
            The smallest that is legal.

    Raises:
        ValueError:
            If it is no int, or too small.
    """
    try:
        value = operator.index(given)  # type: ignore[arg-type]
    except TypeError:
        value = least - 1
    if isinstance(given, bool) or value < least:
        raise ValueError(f"{name} must be an int of at least {least}, but got {given!r}.")
    return value
