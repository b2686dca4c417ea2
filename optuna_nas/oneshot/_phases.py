"""The phases of progressive shrinking: which decisions open when, and for how many epochs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna_nas.oneshot._drawn import matches
from optuna_nas.oneshot._once_for_all import OnceForAll
from optuna_nas.training._epochs import check_epochs


PHASES = (("*kernel",), ("*depth", "*blocks"), ("*",))
"""What opens one after another: kernels, numbers of blocks, then the rest, widths among it."""


def phases_of(
    phases: Sequence[str | Sequence[str]] | None, supernet: OnceForAll
) -> tuple[tuple[str, ...], ...]:
    """Returns the patterns of the decisions that open in each phase, checked.

    Args:
        phases:
            The user's, or None for those of :data:`PHASES` that open something.
        supernet:
            Whose decisions.

    Raises:
        ValueError:
            If a pattern means no open decision, or there is nothing that could be meant.
    """
    if not supernet.decisions:
        raise ValueError(
            "supernet has no open decisions, so there is nothing to shrink: fix fewer of them, "
            "OnceForAll(network, values)."
        )
    return _default_phases(supernet) if phases is None else _checked(phases, supernet)


def epochs_of(epochs: int | Sequence[int], phases: int) -> tuple[int, ...]:
    """Returns the number of epochs of each phase, checked.

    Args:
        epochs:
            Of each phase, or of each its own.
        phases:
            How many there are.

    Raises:
        ValueError:
            If there are not as many, or one is not an int of at least 1.
    """
    if isinstance(epochs, Sequence) and len(epochs) == phases:
        lengths = tuple(epochs)
    elif isinstance(epochs, Sequence):
        raise ValueError(
            f"epochs must be an int, or {phases} of them, one for each phase with that of the "
            f"largest network first, but is {epochs!r}."
        )
    else:
        lengths = (epochs,) * phases
    for length in lengths:
        check_epochs(length)
    return lengths


def _default_phases(supernet: OnceForAll) -> tuple[tuple[str, ...], ...]:
    left, phases = set(supernet.decisions), []
    for patterns in PHASES:
        opened = {name for name in left if matches(name, patterns)}
        if opened:
            phases.append(patterns)
            left -= opened
    return tuple(phases)


def _checked(phases: Any, supernet: OnceForAll) -> tuple[tuple[str, ...], ...]:
    is_list = isinstance(phases, Sequence) and not isinstance(phases, str) and len(phases) > 0
    opening = [(p,) if isinstance(p, str) else p for p in phases] if is_list else [()]
    if not all(
        isinstance(patterns, Sequence) and patterns and all(isinstance(p, str) for p in patterns)
        for patterns in opening
    ):
        raise ValueError(
            "phases must be a list of at least one pattern or list of patterns, "
            f"['*/kernel', ['*/depth', 'width']], but is {phases!r}."
        )
    for pattern in (pattern for patterns in opening for pattern in patterns):
        if not any(matches(name, [pattern]) for name in supernet.decisions):
            raise ValueError(
                f"phases: {pattern!r} means none of the open decisions "
                f"{', '.join(map(repr, supernet.decisions))}."
            )
    return tuple(map(tuple, opening))
