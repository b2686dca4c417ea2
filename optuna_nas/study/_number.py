"""What evaluators and metrics return, as a float."""

from __future__ import annotations

import math

from optuna_nas.training import Rejected


def as_number(what: str, value: object) -> float:
    """Returns a value as a float.

    Args:
        what:
            Who returned it, for the message.
        value:
            A number; a tensor or array of one number is one.

    Raises:
        Rejected:
            If it is NaN.
        TypeError:
            If it is no number.
    """
    try:
        if isinstance(value, str):
            raise TypeError
        number = float(value.item() if hasattr(value, "item") else value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{what} must return a float, but returned {value!r}.") from None
    if math.isnan(number):
        raise Rejected(f"{what} returned NaN")
    return number
