"""From a finished search to one trained network. The few best candidates are trained again with
several seeds, since the best of many single scores is partly luck. The test part comes last."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
import math
from statistics import fmean
from statistics import stdev
from typing import Any
import warnings

import numpy as np
import optuna
from optuna.trial import TrialState
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.neural_network import MLPRegressor
from torch import nn

from optuna_nas._cli._data import Data
from optuna_nas._cli._data import Part
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._progress import by_score
from optuna_nas._cli._setup import Setup
from optuna_nas._estimator._table import TableInputs
from optuna_nas.samplers import best_first
from optuna_nas.samplers import last_value
from optuna_nas.space import build
from optuna_nas.study import seeded
from optuna_nas.training import default_recipe
from optuna_nas.training import generator_for
from optuna_nas.training import Rejected
from optuna_nas.training import resolve_device
from optuna_nas.training import train_epochs
from optuna_nas.visualization._report_controls import TESTED
from optuna_nas.visualization._so_far import counts


FINALISTS = 3
SEEDS = 3


@dataclass(frozen=True)
class Finalist:
    """A candidate that was trained again.

    Args:
        number:
            Of its trial.
        params:
            Its decisions.
        searched:
            Its score in the search.
        epochs:
            How long to train it.
        scores:
            Its validation scores after these epochs, one for each seed; none if it could not be
            trained.
        origin:
            ``"default"`` if it was made by hand, ``"darts"`` or a proxy's name if that proposed
            it, None if the search's sampler did.
        cost:
            The second objective, as the search measured it; None if there is none.
        learning:
            Whether its scores still rose at the end of the training.
    """

    number: int
    params: dict[str, Any]
    searched: float
    epochs: int
    scores: tuple[float, ...]
    origin: str | None = None
    cost: float | None = None
    learning: bool = False

    @property
    def mean(self) -> float:
        """What finalists are ranked by."""
        return fmean(self.scores) if self.scores else -float("inf")


@dataclass(frozen=True)
class Outcome:
    """What came out on the test part.

    Args:
        key:
            Of the method, one of ``TESTED``.
        score:
            On the test part.
        winner:
            The finalist that was tested; None for a control without a search.
    """

    key: str
    score: float
    winner: Finalist | None = None

    @property
    def name(self) -> str:
        """The method in words."""
        return TESTED[self.key]


def ranked(finalists: Sequence[Finalist]) -> list[Finalist]:
    """Returns finalists, the best first by their mean score, of equal ones the cheapest.

    Args:
        finalists:
            In the order of :func:`best_trials`, which decides where means and costs are equal.

    Raises:
        BadInput:
            If none could be trained again.
    """
    finalists = sorted(finalists, key=lambda finalist: (-finalist.mean, finalist.cost or 0.0))
    if not finalists[0].scores:
        raise BadInput(
            "none of the best networks could be trained again with other seeds: their losses were "
            "not finite. Give more --trials."
        )
    return finalists


def refit(setup: Setup, winner: Finalist) -> nn.Module:
    """Trains the winner on the training and the validation part together.

    Args:
        setup:
            What was searched.
        winner:
            The first of :func:`ranked`.
    """
    joined = setup.data.joined()
    module, _ = _train(setup, winner.params, SEEDS, joined, epochs=winner.epochs)
    return module


def train_again(
    setup: Setup, trial: optuna.trial.FrozenTrial, each: Callable[[int], None]
) -> Finalist:
    """Trains a candidate again, with several seeds.

    Args:
        setup:
            What was searched.
        trial:
            One of :func:`best_trials`.
        each:
            Told after each training how many there were.
    """
    data, curves = setup.data, []
    for run in range(SEEDS):
        with suppress(Rejected):
            curves.append(_train(setup, trial.params, run, data.train, data.valid)[1])
        each(run + 1)
    epochs = last_good_epoch(curves) if len(curves) == SEEDS else 0
    scores = tuple(curve[epochs - 1] for curve in curves) if epochs else ()
    learning = bool(scores) and still_learning(curves)
    return finalist_of(setup, trial, scores=scores, epochs=epochs, learning=learning)


def finalist_of(
    setup: Setup,
    trial: optuna.trial.FrozenTrial,
    *,
    scores: tuple[float, ...],
    epochs: int,
    learning: bool,
) -> Finalist:
    """A candidate with what came out when it was trained again.

    Args:
        setup:
            What was searched.
        trial:
            The candidate's.
        scores:
            As :class:`Finalist` has them.
        epochs:
            The same.
        learning:
            The same.
    """
    searched = trial.values[0] if trial.values else (last_value(trial) or (0, math.nan))[1]
    origin = trial.user_attrs.get("origin")
    metrics, (_, *also) = trial.user_attrs.get("metrics", {}), setup.objectives
    cost = metrics.get(also[0]) if also else None
    return Finalist(trial.number, trial.params, searched, epochs, scores, origin, cost, learning)


def last_good_epoch(curves: Sequence[Sequence[float]]) -> int:
    """The last epoch that is as good as the best one, up to one standard error.

    More training is stopped only where it does harm (Breiman et al. 1984, the 1-SE rule).

    Args:
        curves:
            The score of each epoch, for each seed.

    Returns:
        Its number, from 1.
    """
    epochs = [fmean(scores) for scores in zip(*curves, strict=True)]
    best = epochs.index(max(epochs))
    error = stdev([curve[best] for curve in curves]) / len(curves) ** 0.5
    return max(i for i, mean in enumerate(epochs, 1) if mean >= epochs[best] - error)


def still_learning(curves: Sequence[Sequence[float]]) -> bool:
    """Whether the last fifth of the epochs raised the score by more than two standard errors.

    Args:
        curves:
            The score of each epoch, for each seed.
    """
    before = len(curves[0]) - 1 - math.ceil(len(curves[0]) / 5)
    if before < 0:
        return False
    gains = [curve[-1] - curve[before] for curve in curves]
    return bool(fmean(gains) > 2 * stdev(gains) / len(gains) ** 0.5)


def _train(
    setup: Setup,
    params: dict[str, Any],
    run: int,
    train: Part,
    valid: Part | None = None,
    epochs: int | None = None,
) -> tuple[nn.Module, list[float]]:
    """Trains from scratch, as a function of the search's seed and ``run``."""
    seed, device = 1000 * (setup.options.seed + 1) + run, resolve_device(setup.options.device)
    with seeded(seed):
        module = build(setup.space.network, params).to(device)
        history = train_epochs(
            module,
            train,
            valid,
            recipe=default_recipe(None, module),
            epochs=setup.epochs,
            generator=generator_for(seed),
            device=device,
        )
        curve = [epoch.score or 0.0 for epoch in islice(history, epochs)]
    return module.eval(), curve


def best_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The few best trials by score, of equal ones the cheapest, with different params.

    Those that were stopped early come behind, by how far they got: where a pruner left few, the
    choice is not left to luck.

    Args:
        study:
            With the score as its first objective, to be maximized.

    Raises:
        BadInput:
            If no trial has a score.
    """
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    pruned = study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
    stopped = best_first([trial for trial in pruned if last_value(trial)], study.directions)
    if not complete and not stopped:
        told = ", ".join(counts(study.get_trials(deepcopy=False))) or "no trial was begun"
        raise BadInput(
            f"no network was trained ({told}), so there is none to choose. Give more "
            "--trials or --timeout; optuna-nas show says why networks were rejected."
        )
    best: list[optuna.trial.FrozenTrial] = []
    for trial in [*by_score(study, complete), *stopped]:
        if all(trial.params != other.params for other in best):
            best.append(trial)
    return best[:FINALISTS]


def default_mlp(data: Data, seed: int) -> Outcome:
    """The control: what scikit-learn's multilayer perceptron does with its defaults.

    Args:
        data:
            Preprocessed as for the networks, but for categories, which are one-hot.
        seed:
            Of its weights.
    """
    make = MLPClassifier if data.classes else MLPRegressor
    train, valid, test = _flat(data)
    y = [part[1].numpy().reshape(len(part[1]), -1) for part in (data.joined(), data.test)]
    learned, asked = (part[:, 0] if part.shape[1] == 1 else part for part in y)
    model = make(random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(np.concatenate([train, valid]), learned)
    return Outcome(make.__name__, float(model.score(test, asked)))


def _flat(data: Data) -> list[Any]:
    """The three parts as tables of numbers."""
    prepared = [part[0] for part in (data.train, data.valid, data.test)]
    if isinstance(data.inputs, TableInputs) and not data.inputs.one_hot:
        inputs = TableInputs(one_hot=True, seed=data.inputs.seed)
        first, *others = data.raw
        prepared = [inputs.fit(first), *map(inputs.transform, others)]
    return [x.reshape(len(x), -1).numpy() for x in prepared]
