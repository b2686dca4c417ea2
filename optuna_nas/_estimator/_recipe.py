"""How candidates are trained: what is searched together with the architecture."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Any

from torch import nn

from optuna_nas._estimator._clock import Limited
from optuna_nas._estimator._losses import WeightedLoss
from optuna_nas.training import cosine
from optuna_nas.training import Recipe
from optuna_nas.training._recipe import adamw


DEFAULTS: dict[str, Any] = {"lr": 3e-3, "weight_decay": 0.05, "label_smoothing": 0.0}
SMOOTHINGS = (0.0, 0.1)
WARMUP = 0.1
FEWEST, MOST = 32, 256


@dataclass(frozen=True)
class SearchedRecipe:
    """AdamW with a cosine; asks ``lr``, ``weight_decay`` and, for classes, ``label_smoothing``.

    Args:
        classes:
            Whether targets are classes.
        weighted:
            Whether rows have weights.
        rows:
            How many there are to train on; a batch has about a tenth, 32 to 256.
        seconds:
            How many the training may take, with its last score.
        held_out:
            How many rows that score is of.
    """

    classes: bool
    weighted: bool
    rows: int
    seconds: float = math.inf
    held_out: int = 0

    def __call__(self, trial: Any, module: nn.Module) -> Recipe:
        """Asks the trial.

        Args:
            trial:
                Whom.
            module:
                What to train, on its device.
        """
        rate = trial.suggest_float("lr", 3e-4, 3e-2, log=True)
        decay = trial.suggest_float("weight_decay", 1e-4, 1.0, log=True)
        smoothing = 0.0
        if self.classes:
            smoothing = trial.suggest_categorical("label_smoothing", SMOOTHINGS)
        size, schedule = batch_size(self.rows), cosine(warmup=WARMUP)
        if self.seconds < math.inf:
            # Training on a row takes about three times as long as predicting it.
            schedule = Limited(schedule, self.seconds, self.held_out / (3 * size))
        return Recipe(
            adamw(module.parameters(), lr=rate, weight_decay=decay),
            loss=WeightedLoss(self.classes, smoothing) if self.weighted else None,
            label_smoothing=smoothing,
            batch_size=size,
            schedule=schedule,
        )


def batch_size(rows: int) -> int:
    """Rows a step, a power of two: about a tenth of all, 32 to 256.

    Args:
        rows:
            How many there are to train on.
    """
    return min(MOST, max(FEWEST, 1 << round(math.log2(max(1, rows / 10)))))
