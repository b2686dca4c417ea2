"""Greedy ensemble selection.

Caruana et al. 2004, "Ensemble Selection from Libraries of Models", section 2, with replacement.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from optuna_nas._estimator._averaged import averaged
from optuna_nas._estimator._candidate import Candidate
from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._scoring import Scoring
from optuna_nas._estimator._split import Fold
from optuna_nas._estimator._targets import Classes


ROUNDS = 25


class Selection:
    """Which candidates make the ensemble, and what that gains on rows held out.

    Args:
        candidates:
            Best first.
        folds:
            Whose held-out rows the candidates were scored on.
        scoring:
            How.
    """

    def __init__(
        self, candidates: Sequence[Candidate], folds: Sequence[Fold], scoring: Scoring
    ) -> None:
        self._rows = np.concatenate([valid for _, valid in folds])
        outputs = [torch.cat([fold.outputs for fold in c.folds]) for c in candidates]
        self._outputs = torch.stack(outputs)
        self._scoring = scoring
        self._classes = isinstance(scoring.targets, Classes)

    def weights(self) -> list[float]:
        """Of each candidate; most are 0, and the sum is 1."""
        return self._select(np.arange(len(self._rows)))

    def gain(self, seed: int) -> float:
        """What it gains over the best candidate on rows that it was not selected on.

        Both are selected on one half of the held-out rows and scored on the other, and the other
        way round. NaN where a half is too small, or has too few classes, to be scored.

        Args:
            seed:
                For the halves.
        """
        order = np.random.default_rng(seed).permutation(len(self._rows))
        halves = np.array_split(order, 2)
        gains = []
        try:
            for chosen, other in (halves, halves[::-1]):
                best = [self._score(self._alone(i), chosen) for i in range(len(self._outputs))]
                ours = self._score(self._select(chosen), other)
                gains.append(ours - self._score(self._alone(int(np.argmax(best))), other))
        except ValueError:
            return float("nan")
        return float(np.mean(gains))

    def _select(self, rows: Array) -> list[float]:
        """Adds whichever is best for the mean, again and again; the best mean on the way wins."""
        taken: list[int] = []
        best, kept = -np.inf, [0]
        for _ in range(ROUNDS):
            more = [self._shares([*taken, i]) for i in range(len(self._outputs))]
            scores = [self._score(shares, rows) for shares in more]
            taken.append(int(np.argmax(scores)))
            if max(scores) > best:
                best, kept = max(scores), list(taken)
        return self._shares(kept)

    def _shares(self, taken: Sequence[int]) -> list[float]:
        counts = Counter(taken)
        return [counts[i] / len(taken) for i in range(len(self._outputs))]

    def _alone(self, i: int) -> list[float]:
        return self._shares([i])

    def _score(self, weights: Sequence[float], rows: Array) -> float:
        outputs = averaged(self._outputs[:, rows], Tensor(list(weights)), self._classes)
        return self._scoring.of(outputs, self._rows[rows])
