"""How held-out predictions are scored: any scorer of scikit-learn's, without predicting twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.base import ClassifierMixin
from sklearn.base import RegressorMixin
from sklearn.metrics import check_scoring
from sklearn.metrics import get_scorer_names
from sklearn.metrics import r2_score
from sklearn.utils import _safe_indexing
from torch import Tensor

from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers


@dataclass(frozen=True)
class Scoring:
    """What the outputs of a network for some rows are worth; more is better.

    Args:
        scorer:
            ``(estimator, X, y) -> float``; None is accuracy or r2, by the rows' weights.
        x:
            The rows as the user gave them.
        y:
            Their labels or numbers.
        weights:
            Of each row, or None.
        targets:
            What an output stands for.
    """

    scorer: Callable[[Any, Any, Any], float] | None
    x: Any
    y: Array
    weights: Array | None
    targets: Classes | Numbers

    def of(self, outputs: Tensor, rows: Array) -> float:
        """The score.

        Args:
            outputs:
                Of a network, on the CPU, one for each row.
            rows:
                Their numbers.

        Raises:
            ValueError:
                If the scorer is not for such targets.
        """
        if self.scorer is not None:
            predicted = _recorded(outputs, self.targets)
            try:
                return float(self.scorer(predicted, _safe_indexing(self.x, rows), self.y[rows]))
            except ValueError as error:
                raise ValueError(f"scoring={self.scorer!r} cannot score y: {error}") from error
        found = self.targets.predict(outputs)
        weights = None if self.weights is None else self.weights[rows]
        if isinstance(self.targets, Classes):
            return float(np.average(found == self.y[rows], weights=weights))
        return float(r2_score(self.y[rows], found, sample_weight=weights))


def make_scorer(scoring: Any, estimator: Any) -> Callable[[Any, Any, Any], float] | None:
    """The scorer that a user asks for.

    Args:
        scoring:
            A name, a scorer, or None for the default.
        estimator:
            Whose it is.

    Raises:
        ValueError:
            If there is no such scorer.
    """
    if scoring is None:
        return None
    known = get_scorer_names()
    if not callable(scoring) and scoring not in known:
        near = get_close_matches(str(scoring), known, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            "scoring must be None, a name of sklearn.metrics.get_scorer_names() or a scorer "
            f"(estimator, X, y) -> float, but is {scoring!r}.{guess}"
        )
    made: Callable[[Any, Any, Any], float] = check_scoring(estimator, scoring=scoring)
    return made


class _RecordedClasses(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that knows what to say already."""

    def predict(self, x: Any) -> Array:
        return self.targets_.predict(self.outputs_)  # type: ignore[no-any-return]

    def predict_proba(self, x: Any) -> Array:
        return self.targets_.probabilities(self.outputs_)  # type: ignore[no-any-return]


class _RecordedNumbers(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor that knows what to say already."""

    def predict(self, x: Any) -> Array:
        return self.targets_.predict(self.outputs_)  # type: ignore[no-any-return]


def _recorded(outputs: Tensor, targets: Classes | Numbers) -> Any:
    classes = isinstance(targets, Classes)
    recorded: Any = _RecordedClasses() if classes else _RecordedNumbers()
    recorded.outputs_, recorded.targets_ = outputs, targets
    if isinstance(targets, Classes):
        recorded.classes_ = targets.labels
    return recorded
