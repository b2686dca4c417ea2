"""Functional ANOVA on decisions: how much of the variance over a whole space each explains.

Hutter, Hoos & Leyton-Brown 2014, "An efficient approach for assessing hyperparameter importance",
ICML, https://proceedings.mlr.press/v32/hutter14.html; with two changes for architectures::

    repeat: a random forest learns the values of a bootstrap sample of the trials
        predict architectures that are drawn uniformly from the space, not those of the trials
        for each decision: the variance of the means of its levels, among draws that ask it,
            times the share of the draws that do

A sampler that tries mostly good architectures moves what the forest knows well, but not what it
is asked. A decision that is asked only after some answers of another explains only what its own
value does; that it is there at all is the other's doing. So the parts add up to at most 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial

from optuna_nas.samplers._activity import Activity
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._encoding import Encoding
from optuna_nas.visualization._levels import Levels
from optuna_nas.visualization._levels import levels_of


Floats: TypeAlias = NDArray[np.float64]

DRAWS = 2000
FORESTS = 20
TREES = 16


@dataclass(frozen=True)
class Importances:
    """Shares of the variance.

    Args:
        names:
            The decisions.
        shares:
            What each explains alone, in each forest, shape [forests, decisions].
        tried:
            For each decision, how many of its levels the trials tried.
        levels:
            For each decision, how many there are.
        explained:
            How much of the variance of trials the forests explain that did not learn these
            trials: 1 is all; 0 or less is nothing.
    """

    names: Sequence[str]
    shares: Floats
    tried: Sequence[int]
    levels: Sequence[int]
    explained: float


def importances(trials: Sequence[FrozenTrial], values: Floats, seed: int) -> Importances:
    """Returns what decisions explain.

    Args:
        trials:
            n complete ones, whose decisions have a choice.
        values:
            Of one objective, finite and not all the same, shape [n].
        seed:
            Of samples, forests and draws.
    """
    last = {name: d for trial in trials for name, d in trial.distributions.items()}
    levels = levels_of(trials)
    distributions = {name: last[name] for name in levels}
    drawn = _draws(trials, distributions, seed)
    placed = {name: _places(levels[name], name, drawn) for name in levels}
    encoding = Encoding(distributions)
    known, asked = encoding.rows([_legal(t, distributions) for t in trials]), encoding.rows(drawn)
    rng = generator(seed, "forests")
    shares = []
    guessed, guesses = np.zeros(len(trials)), np.zeros(len(trials))
    for _ in range(FORESTS):
        sample = rng.integers(len(trials), size=len(trials))
        forest = _forest(known[sample], values[sample], int(rng.integers(2**31)))
        shares.append(_shares(forest.predict(asked), placed, levels))
        others = np.setdiff1d(np.arange(len(trials)), sample)
        if len(others):
            guessed[others] += forest.predict(known[others])
            guesses[others] += 1
    tried = [
        len({*_places(levels[name], name, [t.params for t in trials])} - {-1}) for name in levels
    ]
    return Importances(
        names=list(levels),
        shares=np.array(shares),
        tried=tried,
        levels=[len(one) for one in levels.values()],
        explained=_explained(guessed, guesses, values),
    )


def _forest(rows: Floats, values: Floats, seed: int) -> Any:
    # Here, since scikit-learn takes a second to import.
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(TREES, max_features=0.5, random_state=seed).fit(rows, values)


def _draws(
    trials: Sequence[FrozenTrial], distributions: Mapping[str, BaseDistribution], seed: int
) -> list[dict[str, Any]]:
    """Uniform architectures, each asked what trials were asked that gave its answers."""
    activity = Activity()
    floats = {n for n, d in distributions.items() if isinstance(d, FloatDistribution)}
    for trial in trials:
        activity.add(trial.params, continuous=floats)
    rng = generator(seed, "draws")
    found = []
    for _ in range(DRAWS):
        values = {name: draw(d, rng) for name, d in distributions.items()}
        known = trials[int(rng.integers(len(trials)))].params
        known = {name: value for name, value in known.items() if name in values}
        found.append(activity.expected(known, values.__getitem__))
    return found


def _legal(trial: FrozenTrial, distributions: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    return {name: value for name, value in trial.params.items() if name in distributions}


def _places(levels: Levels, name: str, architectures: Sequence[Mapping[str, Any]]) -> NDArray[Any]:
    """The level of a decision in each architecture; -1 where it is not asked."""
    found = [levels.place(one[name]) if name in one else None for one in architectures]
    return np.array([-1 if place is None else place for place in found])


def _shares(
    predicted: Floats, placed: Mapping[str, NDArray[Any]], levels: Mapping[str, Levels]
) -> list[float]:
    total = float(((predicted - predicted.mean()) ** 2).sum())
    if total == 0:
        return [0.0] * len(placed)
    return [_between(predicted, places, len(levels[n])) / total for n, places in placed.items()]


def _between(predicted: Floats, places: NDArray[Any], count: int) -> float:
    """The sum of squares between levels, less what chance alone gives (omega squared)."""
    parts = [predicted[places == i] for i in range(count)]
    parts = [part for part in parts if len(part)]
    asked = sum(map(len, parts))
    if asked <= len(parts):
        return 0.0
    mean = sum(part.sum() for part in parts) / asked
    between = sum(len(part) * (part.mean() - mean) ** 2 for part in parts)
    within = sum(((part - part.mean()) ** 2).sum() for part in parts)
    return max(0.0, float(between - (len(parts) - 1) * within / (asked - len(parts))))


def _explained(guessed: Floats, guesses: Floats, values: Floats) -> float:
    there = guesses > 0
    if there.sum() < 2 or np.ptp(values[there]) == 0:
        return 0.0
    off = ((guessed[there] / guesses[there] - values[there]) ** 2).sum()
    return float(1 - off / ((values[there] - values[there].mean()) ** 2).sum())
