"""``Fitted``: a trained network with what prepares its inputs and reads its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import numpy as np
import torch
from torch import nn

from optuna_nas._estimator._averaged import Averaged
from optuna_nas._estimator._columns import Array
from optuna_nas._estimator._columns import is_frame
from optuna_nas._estimator._grids import GridInputs
from optuna_nas._estimator._table import TableInputs
from optuna_nas._estimator._targets import Classes
from optuna_nas._estimator._targets import Numbers
from optuna_nas.space import Network


ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Fitted:
    """A trained network with what prepares its inputs and reads its outputs.

    Args:
        module:
            The network, trained. It takes what ``inputs`` gives.
        inputs:
            What prepares rows, fitted; None if the network takes rows as they are.
        targets:
            What reads the outputs; None if they are given as they are.
        network:
            The search space that it comes from, or None.
        params:
            Its decisions, and what else its trial was asked; of an ``Averaged``, those of each
            member. None if nobody knows them.
        metrics:
            Scores to tell of, by name.
        example:
            Rows to check with, as the user has them: held out, if there are such.
        doubles:
            Whether it predicts in float64.
        target:
            The name of the column that is predicted, which tables may have too.
    """

    module: nn.Module
    inputs: TableInputs | GridInputs | None = None
    targets: Classes | Numbers | None = None
    network: Network | None = None
    params: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    example: Any = None
    doubles: bool = False
    target: str | None = None

    def predict(self, rows: Any) -> Array:
        """Probabilities ``[n, classes]``, numbers, or the outputs as they are: float64 at best.

        Args:
            rows:
                As the user has them.
        """
        starts = range(0, len(rows), ROWS_AT_ONCE)
        outputs = torch.cat([self.outputs(rows[i : i + ROWS_AT_ONCE]) for i in starts])
        if isinstance(self.targets, Classes):
            return self.targets.probabilities(outputs)
        if isinstance(self.targets, Numbers):
            return self.targets.predict(outputs).reshape(len(outputs), -1)
        found: Array = outputs.numpy()
        return found

    def outputs(self, rows: Any) -> Any:
        """What the module itself gives.

        Args:
            rows:
                As the user has them.
        """
        prepared = torch.as_tensor(rows) if self.inputs is None else self.inputs.transform(rows)
        module = deepcopy(self.module).cpu().eval()
        if self.doubles:
            module, prepared = module.double(), prepared.double()
        with torch.no_grad():
            return module(prepared)

    def scale(self, predicted: Array) -> Array:
        """The unit that differences of predictions are told in, for each.

        1 for probabilities, the standard deviation of what is predicted for numbers, and otherwise
        the size of a prediction, but at least 1.

        Args:
            predicted:
                Of :meth:`predict`.
        """
        if isinstance(self.targets, Classes):
            return np.ones_like(predicted)
        if isinstance(self.targets, Numbers):
            far = np.abs(predicted - self.targets.mean) / self.targets.deviation
            numbers: Array = np.maximum(far, 1.0) * self.targets.deviation
            return numbers
        return np.maximum(np.abs(predicted), 1.0)


def fitted_of(estimator: Any, example: Any) -> Fitted:
    """What a fitted estimator holds.

    Args:
        estimator:
            A ``NASClassifier`` or a ``NASRegressor``, fitted.
        example:
            Rows to check with, or None.
    """
    params = estimator.best_params_
    if isinstance(estimator.best_model_, Averaged) and estimator.ensemble > 1:
        trials = estimator.study_.trials
        params = [dict(trials[number].params) for number in estimator.ensemble_weights_]
    return Fitted(
        module=estimator.best_model_,
        inputs=estimator._inputs,
        targets=estimator._targets,
        network=estimator._network,
        params=params,
        metrics={"score on the rows held out": float(estimator.best_score_)},
        example=example if example is None or is_frame(example) else np.asarray(example),
        doubles=estimator._doubles,
    )
