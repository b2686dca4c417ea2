"""What training is paid in: epochs, seconds or FLOPs. ``Pace`` says when to score and when to end.

Where networks are compared after as many epochs, a deep one takes the machine for as long as it
likes. After as many seconds or FLOPs they compete for the same resource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from difflib import get_close_matches
import math
from typing import Any
from typing import TypeAlias

from torch import nn
from torch import Tensor
from torch.utils.data import DataLoader

from optuna_nas._arguments import checked_float
from optuna_nas.metrics import Flops
from optuna_nas.training._data import Resident
from optuna_nas.training._data import Rows
from optuna_nas.training._rejected import Rejected


UNITS = {"epochs": "epochs", "seconds": "seconds", "flops": "GFLOPs"}
"""Steps are whole ones of these. Storages in SQL keep 32 bits of a step, too few for MFLOPs."""

GROWTH = 0.1
"""The share of what was spent so far that passes between two scores within an epoch."""

Cost: TypeAlias = Callable[[float, int], float]
"""From the rows trained on and the whole epochs so far to what they cost, in the unit."""


def epochs_cost(rows: float, epochs: int) -> float:
    """What training costs in epochs.

    Args:
        rows:
            Trained on so far.
        epochs:
            Whole ones so far.
    """
    return epochs


@dataclass
class Pace:
    """When training is scored and how much of the budget is spent; by default, each epoch.

    Args:
        cost:
            What so many rows and epochs cost.
        within_epochs:
            Whether a score may come, and the budget end, within an epoch.
        budget:
            How much at most.
        growth:
            The share of the cost so far that passes between two scores.
        between:
            How many rows are trained on between two scores, at least.
    """

    cost: Cost = epochs_cost
    within_epochs: bool = False
    budget: float = math.inf
    growth: float = 0.0
    between: int = 0
    _scored: tuple[int, float] = field(default=(0, 0.0), init=False)

    def is_due(self, rows: int, epochs: int) -> bool:
        """Whether it is time for a score: a unit has passed since the last one, and enough more.

        Args:
            rows:
                Trained on so far.
            epochs:
                Whole ones so far.
        """
        last_rows, last = self._scored
        spent = self.cost(rows, epochs)
        return rows - last_rows >= self.between and spent - last >= max(1, self.growth * spent)

    def was_scored(self, rows: int, epochs: int) -> None:
        """Begins to wait for the next score.

        Args:
            rows:
                Trained on so far.
            epochs:
                Whole ones so far.
        """
        self._scored = rows, self.cost(rows, epochs)

    def share(self, rows: float, epochs: int) -> float:
        """The share of the budget that so much training takes; more than 1 beyond it.

        Args:
            rows:
                Trained on.
            epochs:
                Whole ones.
        """
        return self.cost(rows, epochs) / self.budget

    def step(self, rows: int, epochs: int) -> int:
        """The cost so far in whole units, as pruners want it.

        Args:
            rows:
                Trained on so far.
            epochs:
                Whole ones so far.
        """
        return int(self.cost(rows, epochs))


def make_pace(
    resource: str,
    budget: float | None,
    *,
    module: nn.Module,
    example: Tensor | None,
    valid: Rows,
    clock: Callable[[], float],
) -> Pace:
    """The pace of one training, which begins now.

    In seconds and in FLOPs, scores are at least a unit and a tenth of the cost so far apart, and
    as many rows of training as ``valid`` has. A row costs three times as much to train on as to
    score, so scoring takes about a quarter at most.

    Args:
        resource:
            ``"epochs"``, ``"seconds"`` or ``"flops"``.
        budget:
            How much at most, in the resource's unit; None for no limit.
        module:
            What to train.
        example:
            A batch of its inputs, to count FLOPs by.
        valid:
            What it is scored on.
        clock:
            Seconds since whenever.

    Raises:
        Rejected:
            If the module's FLOPs cannot be counted.
    """
    if resource == "epochs":
        return Pace()
    cost = seconds_cost(clock) if resource == "seconds" else flops_cost(module, example)
    return Pace(cost, True, math.inf if budget is None else budget, GROWTH, _count(valid))


def seconds_cost(clock: Callable[[], float]) -> Cost:
    """What training costs in seconds from now on, with scores and reports.

    Args:
        clock:
            Seconds since whenever.
    """
    started = clock()
    return lambda rows, epochs: clock() - started


def flops_cost(module: nn.Module, example: Any) -> Cost:
    """What training costs in GFLOPs: forward, and backward at twice the forward pass.

    As in Kaplan et al. 2020, "Scaling Laws for Neural Language Models", section 2.1. Scores are
    not counted, nor what :class:`optuna_nas.metrics.Flops` leaves out.

    Args:
        module:
            What to train.
        example:
            A batch of its inputs.

    Raises:
        Rejected:
            If they cannot be counted, or none is.
    """
    try:
        forward = Flops(example).measure(module)
    except (ValueError, TypeError, RuntimeError, IndexError) as error:
        raise Rejected(f"resource='flops': FLOPs cannot be counted: {error}") from error
    if forward <= 0:
        raise Rejected("resource='flops': the network has no FLOPs that are counted")
    return lambda rows, epochs: 3 * forward * rows / 1e9


def check_resource(resource: str, budget: float | None, epochs: int | None) -> None:
    """Checks what training is paid in, and that it ends.

    Args:
        resource:
            As for :class:`Train`.
        budget:
            As for :class:`Train`.
        epochs:
            As for :class:`Train`.

    Raises:
        ValueError:
            If the resource is unknown, the budget is not positive or does not go with it, or
            there is no end.
    """
    if resource not in UNITS:
        near = get_close_matches(str(resource).lower(), UNITS, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"resource must be one of {list(UNITS)}, but is {resource!r}.{guess}")
    if resource == "epochs" and budget is not None:
        raise ValueError(
            f"budget must be None with resource='epochs', but is {budget!r}. Give epochs, or "
            "resource='seconds' or 'flops'."
        )
    if resource != "epochs" and budget is None and epochs is None:
        raise ValueError(
            f"resource={resource!r} needs a budget in {UNITS[resource]}, or epochs: without both, "
            "training has no end."
        )
    if budget is not None:
        checked_float("budget", budget, above=0, otherwise=f" {UNITS[resource]}")


def check_countable(example: Tensor | None) -> None:
    """Checks that there are rows to count FLOPs by.

    Args:
        example:
            Rows of X, or None.

    Raises:
        ValueError:
            If there are none.
    """
    if example is None:
        raise ValueError(
            "resource='flops' needs rows of X to count by, which an iterable dataset does not "
            "show before training. Give resource='seconds'."
        )


def _count(rows: Rows) -> int:
    """How many rows there are; 0 if nobody knows."""
    if isinstance(rows, Resident):
        return len(rows.targets)
    dataset: Any = rows.source.dataset if isinstance(rows.source, DataLoader) else rows.source
    return len(dataset) if hasattr(dataset, "__len__") else 0
