"""``SearchEpoch``: what an epoch of a search came to, and the state to go on from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Protocol


class InProgress(Protocol):
    """A search."""

    number: int
    """The epoch that it is in."""

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of what changes from epoch to epoch."""
        ...


@dataclass(frozen=True)
class SearchEpoch:
    """What an epoch of a search came to.

    Args:
        epoch:
            Counted from 1.
        epochs:
            How many there are to be.
        params:
            The derived architecture.
        train_loss:
            The mean over the epoch's training batches.
        valid_loss:
            Of the mixture after the epoch, on all validation data.
        valid_score:
            The metric, likewise.
        gates:
            For each decision, the softmax of its gate by label (an option, the exit of a repeat,
            an input); what was dropped is not there.
        entropy:
            The mean entropy of the gates: from 1 (all options equal) to 0 (all decided).
        parameter_free:
            The share of operations without parameters in ``params``; None where there is no such
            choice.
        eigenvalue:
            The dominant one of the validation Hessian, if it is watched, else None.
        collapsed:
            Why the search counts as collapsed, or None if it does not.
        stopped:
            Whether this is the last epoch because it stopped early.
    """

    epoch: int
    epochs: int
    params: dict[str, Any]
    train_loss: float
    valid_loss: float
    valid_score: float
    gates: Mapping[str, Mapping[Any, float]]
    entropy: float
    parameter_free: float | None
    eigenvalue: float | None
    collapsed: str | None
    stopped: bool
    _search: InProgress = field(repr=False, compare=False)

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of all that is needed to go on after this epoch, as ``state``.

        Raises:
            ValueError:
                If the search has gone on since.
        """
        if self._search.number != self.epoch:
            raise ValueError(
                f"The search has gone on to epoch {self._search.number}, so the state of epoch "
                f"{self.epoch} is gone: call state_dict() before the next epoch."
            )
        return self._search.state_dict()
