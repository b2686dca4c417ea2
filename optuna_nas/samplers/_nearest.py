"""From what somebody wants to what a decision can be: the legal value that comes nearest."""

from __future__ import annotations

from difflib import get_close_matches
import math
from numbers import Integral
from numbers import Real
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.distributions import CategoricalDistribution
from optuna.distributions import FloatDistribution
from optuna.distributions import IntDistribution

from optuna_nas.samplers._draw import legal


def nearest(distribution: BaseDistribution, value: Any, *, likeness: float = 0.6) -> Any:
    """Returns the legal value that comes nearest: the same one, if it is legal.

    Numbers are clipped and put on the grid; text that reads as a number is one. Among choices it
    is the nearest number, or the word of the same letters and digits, or the most alike word.

    Args:
        distribution:
            What is asked.
        value:
            Anything.
        likeness:
            From 0 to 1: how alike words must be, as ``difflib`` has it; 1 for the same letters
            and digits only.

    Raises:
        ValueError:
            If nothing is near, with the reason.
    """
    if isinstance(distribution, CategoricalDistribution):
        return _choice(distribution, value, likeness)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    number = _number(value)
    if number is None:
        raise ValueError(f"{value!r} is no number")
    low, high, step = distribution.low, distribution.high, distribution.step
    number = min(max(number, low), high)
    if step is not None and not legal(distribution, number):
        number = min(low + step * round((number - low) / step), high)
    return round(number) if isinstance(distribution, IntDistribution) else float(number)


def _choice(distribution: CategoricalDistribution, value: Any, likeness: float) -> Any:
    choices = distribution.choices
    if legal(distribution, value):
        return choices[int(distribution.to_internal_repr(value))]
    number = _number(value)
    numbers = {i: n for i, choice in enumerate(choices) if (n := _number(choice)) is not None}
    if number is not None and numbers:
        inside = min(max(number, min(numbers.values())), max(numbers.values()))
        return choices[min(numbers, key=lambda i: abs(numbers[i] - inside))]
    words = [_word(choice) for choice in choices]
    is_word = value is None or isinstance(value, str | bool | Real)
    alike = is_word and get_close_matches(_word(value), words, n=1, cutoff=likeness)
    if not alike:
        raise ValueError(f"{value!r} is like none of {', '.join(map(repr, choices))}")
    return choices[words.index(alike[0])]


def _number(value: Any) -> float | None:
    """A bool is none, nor is NaN."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    if isinstance(value, Integral):
        return int(value)
    return None if math.isnan(value) else float(value)


def _word(value: Any) -> str:
    """Letters and digits, in lower case; other signs only where there is nothing else."""
    text = "none" if value in ("null", None) else str(value).casefold()
    return "".join(filter(str.isalnum, text)) or text
