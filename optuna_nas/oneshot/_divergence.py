"""A search that diverges is ended, and says in which epoch, and what has become NaN."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import math

from torch import Tensor

from optuna_nas.oneshot._supernet import Supernet


@contextmanager
def naming_the_epoch(supernet: Supernet, number: int, epochs: int) -> Iterator[None]:
    """Says in which epoch a gate or a loss has become NaN.

    Args:
        supernet:
            Whose gates.
        number:
            Of the epoch.
        epochs:
            How many there are.
    """
    where = f"Epoch {number} of {epochs}"
    try:
        yield
    except (ValueError, FloatingPointError) as error:
        _check_gates(supernet, where, error)
        if isinstance(error, FloatingPointError):
            raise FloatingPointError(f"{where}: {error}") from None
        raise
    _check_gates(supernet, where)


def check_loss(loss: Tensor, what: str) -> None:
    """Raises unless a loss is finite.

    Args:
        loss:
            One number.
        what:
            Which loss.
    """
    value = float(loss.detach())
    if not math.isfinite(value):
        raise FloatingPointError(
            f"the {what} loss has become {value}. Take a lower learning rate (weight_optimizer), "
            "and go on from an epoch before (state)."
        )


def _check_gates(supernet: Supernet, where: str, error: Exception | None = None) -> None:
    decisions = supernet.decisions.items()
    bad = [name for name, gate in decisions if not bool(gate.logits.isfinite().all())]
    if bad:
        raise ValueError(
            f"{where}: the gate of {', '.join(map(repr, bad))} has become NaN or infinite. "
            "Take a lower learning rate (gate_optimizer), and go on from an epoch before "
            "(state)."
        ) from error
