"""Times with their unit: as people type them, ``10m`` and ``5ms``, and as they are guessed."""

from __future__ import annotations

import math
import re

from optuna_nas._cli._errors import BadInput


SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def seconds(option: str, text: str, plain: str = "s") -> float:
    """How many seconds a text says.

    Args:
        option:
            Where it came from.
        text:
            A positive number, perhaps with a unit: ``90``, ``1.5h``, ``5 ms``.
        plain:
            The unit of a number without one.

    Raises:
        BadInput:
            If it says none.
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*([a-z]*)\s*", str(text).lower())
    try:
        found = float(match[1]) * SECONDS[match[2] or plain] if match else math.nan
    except (ValueError, KeyError):
        found = math.nan
    if not 0 < found < math.inf:
        raise BadInput(
            f"{option} must be a time above 0, as in 5ms, 30s, 10m or 2h (a plain number is in "
            f"{plain}), not {text!r}."
        )
    return found


def about(seconds: float) -> str:
    """``about 40 s`` or ``about 3 min``, for times that nobody knows better.

    Args:
        seconds:
            At least 0.
    """
    if seconds <= 60:
        return f"about {max(1, math.ceil(seconds / 10)) * 10} s"
    minutes = math.ceil(seconds / 60)
    return f"about {minutes} min" if minutes < 120 else f"about {math.ceil(minutes / 60)} h"
