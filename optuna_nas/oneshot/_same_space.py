"""A supernet's state is for supernets of the same search space only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def check_same_space(state: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Raises if a state is of another search space, with all that differs.

    Args:
        state:
            The extra state of a supernet: its decisions and values.
        own:
            That of the supernet that it is for.
    """
    problems = [
        p for part in ("decisions", "values") for p in _differences(state[part], own[part])
    ]
    if problems:
        raise ValueError(f"the state is of another supernet: {'; '.join(problems)}.")


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        *(f"it has {name!r}, which is not here" for name in before if name not in now),
        *(f"it lacks {name!r}" for name in now if name not in before),
        *(
            f"{name!r} was {before[name]!r}, and is {now[name]!r} here"
            for name in now
            if name in before and before[name] != now[name]
        ),
    ]
