"""A predictor learns what architectures are worth, and the most promising one is next.

In the line of BANANAS (White et al. 2021, algorithm 1), https://arxiv.org/abs/1910.11858

    evaluate some random architectures, a Latin hypercube of them
    while true:
        fit the predictor to all that were evaluated
        candidates <- mutations of the best, then mutations of the most promising of these
        evaluate the candidate with the largest expected improvement
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any
from typing import TYPE_CHECKING
from typing import TypeAlias

import numpy as np
from scipy.special import ndtr
from threadpoolctl import ThreadpoolController

from optuna_nas._arguments import checked_int
from optuna_nas._ranking import best_first
from optuna_nas.samplers._architectures import key
from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._draw import legal
from optuna_nas.samplers._draw import Quantile
from optuna_nas.samplers._encoding import Encoding
from optuna_nas.samplers._encoding import Floats
from optuna_nas.samplers._gaussian_process import GaussianProcess
from optuna_nas.samplers._gaussian_process import Kernel
from optuna_nas.samplers._mutation import mutated
from optuna_nas.samplers._planning import Plan
from optuna_nas.samplers._planning import PlanningSampler
from optuna_nas.samplers._scores import scores


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial

    from optuna_nas.samplers._history import History


LEARNED, FITTED = 500, 120
"""How many trials the prediction is from, and how many its hyperparameters are fitted to."""

ROUNDS, CHILDREN, STRANGERS, PARENTS = 4, 150, 50, 20
"""How often so many children are made of so many parents; at first there are random ones too."""

CAUTIONS = 7 * (2.0,) + (8.0,)
"""Predictions are given one of these times their deviation, at random in each trial (in the line
of Berk et al. 2020, https://arxiv.org/abs/2006.04296). A Gaussian process that has but one set of
hyperparameters, the most likely one, is too sure of itself; and once in a while it is taken to be
wrong about all that it has not seen, so that it leaves the place where it has found nothing."""

LEVELS = 64
"""At how many points the expected improvement is integrated."""

Promise: TypeAlias = Callable[[Sequence["Candidate"]], Floats]
"""How much candidates promise; more is better. Shape [n]."""


@dataclass(frozen=True)
class Candidate:
    """An architecture that one may try.

    Args:
        params:
            What it would be asked, as far as one can tell, and its answers.
        parent:
            The number of the trial it comes from.
    """

    params: dict[str, Any]
    parent: int


class PredictorSampler(PlanningSampler):
    """Fits a Gaussian process to all trials, and proposes what should improve on them most.

    The kernel learns which options are alike, on all decisions that offer the same ones at once.
    Until ``n_initial`` trials have ended with a value, it samples at random, but so that the
    options of a decision come as equally often as can be (a Latin hypercube: McKay et al. 1979,
    https://doi.org/10.2307/1268522). Trials of any source are learned from, whatever the scale of
    the values, and outliers do no harm. Pruned trials count as worse than all complete ones, by
    step and last value; behind them come infeasible ones, and rejected ones last.

    With several objectives each has a Gaussian process of its own, and the improvement expected is
    that in a random direction, another one for each trial (hypervolume scalarization, Golovin and
    Zhang 2020, https://arxiv.org/abs/2006.04655: its mean over all directions is the hypervolume).

    Proposals are functions of the seed, the trial's number and the trials before: a resume changes
    nothing, and workers share one search. With 24 decisions a proposal costs 0.1 to 0.2 s for each
    objective; to bound it, a prediction is from 500 trials, half of them the best and half the
    latest.

    Example:

        .. code-block:: python

            sampler = optuna_nas.samplers.PredictorSampler(seed=0)
            study = optuna.create_study(sampler=sampler, direction="maximize")

    Args:
        n_initial:
            How many random trials to begin with; at least 2.
        seed:
            At least 0; None draws one.

    Raises:
        ValueError:
            If an argument is out of range.
    """

    def __init__(self, *, n_initial: int = 6, seed: int | None = None) -> None:
        super().__init__(avoid_repeats=True, seed=seed)
        self._n_initial = checked_int("n_initial", n_initial, 2)

    def _plans(
        self, history: History, number: int, directions: Sequence[StudyDirection]
    ) -> Iterator[Plan]:
        """The most promising candidates, once there is something to learn from."""
        if len(history.valued) < self._n_initial or not history.distributions:
            return
        rng = generator(self._seed, number, "candidates")
        ended = history.valued + history.rejected
        best = best_first(ended, directions, limit=LEARNED // 2)
        with _one_thread():
            promise = _promise(history, [*best, *_latest(ended, best)], directions, rng)
            found = _search(history, best, promise, rng)
        for candidate in found:
            parent = history.trials[candidate.parent].params
            changed = [
                n for n, value in candidate.params.items() if n not in parent or parent[n] != value
            ]
            yield Plan(
                {**parent, **candidate.params},
                [candidate.parent],
                changed[0] if len(changed) == 1 else None,
            )

    def _answer(
        self, params: Mapping[str, Any], number: int, name: str, distribution: BaseDistribution
    ) -> Any:
        """What is not planned is from a Latin hypercube, a new one after ``n_initial`` trials."""
        if name in params and legal(distribution, params[name]):
            return params[name]
        n, (design, row) = self._n_initial, divmod(number, self._n_initial)
        stratum = int(generator(self._seed, design, name, "stratum").permutation(n)[row])
        within = generator(self._seed, number, name).random()
        return draw(distribution, Quantile((stratum + within) / n))


def _one_thread() -> AbstractContextManager[Any]:
    """For small matrices several are no faster, and far slower where others train on all cores.

    With one, the same numbers are added in the same order on every machine.
    """
    limited: AbstractContextManager[Any] = _thread_pools().limit(limits=1, user_api="blas")
    return limited


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()


def _latest(ended: Sequence[FrozenTrial], best: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """The latest that are not among the best."""
    numbers = {trial.number for trial in best}
    others = [trial for trial in ended if trial.number not in numbers]
    return sorted(others, key=lambda trial: trial.number)[-LEARNED // 2 :]


def _promise(
    history: History,
    trials: Sequence[FrozenTrial],
    directions: Sequence[StudyDirection],
    rng: np.random.Generator,
) -> Promise:
    """The expected improvement over some trials, in a random direction among the objectives.

    In a direction l, values y are worth ``min_k (y_k - worst_k) / l_k``. So the probability that
    a candidate is worth more than t is that of all its values being above ``worst + t l``, and
    the expected improvement is the integral of this over all t above the best so far.
    """
    encoding = Encoding(history.distributions)
    kernel = Kernel(encoding)
    rows = encoding.rows([trial.params for trial in trials])
    worths = scores(trials, directions)
    worths -= worths.mean(0)
    fitted = np.arange(len(trials))
    if len(trials) > FITTED:  # of the best half, and of all others at random
        rest = FITTED // 2 + rng.permutation(len(trials) - FITTED // 2)
        fitted = np.concatenate([fitted[: FITTED // 2], rest[: FITTED // 2]])
    processes = [GaussianProcess(kernel, rows, worth, fitted) for worth in worths.T]
    caution = rng.choice(CAUTIONS)
    direction = np.abs(rng.normal(size=len(directions)))
    direction /= np.linalg.norm(direction)
    worst = worths.min(0)
    expected = np.array([process.predict(rows)[0] for process in processes]).T
    best = ((expected - worst) / direction).min(1).max()

    def promise(candidates: Sequence[Candidate]) -> Floats:
        rows = encoding.rows([candidate.params for candidate in candidates])
        mean, deviation = np.array([process.predict(rows) for process in processes]).swapaxes(0, 1)
        deviation *= caution
        highest = ((mean + 5 * deviation - worst[:, None]) / direction[:, None]).min(0).max()
        levels = np.linspace(best, max(highest, best + 1e-9), LEVELS)
        limits = worst + levels[:, None] * direction
        above = ndtr((mean[..., None] - limits.T[:, None]) / deviation[..., None]).prod(0)
        return np.asarray(above.sum(1) * (levels[1] - levels[0]))

    return promise


def _search(
    history: History, ranked: Sequence[FrozenTrial], promise: Promise, rng: np.random.Generator
) -> list[Candidate]:
    """Candidates that are no earlier trials, the most promising first."""
    parents = [Candidate(trial.params, trial.number) for trial in ranked[:PARENTS]]
    met = set()
    found: list[tuple[float, Candidate]] = []
    for round_ in range(ROUNDS):
        born = [
            _child(history, parents, rng, steps=1 if round_ else None) for _ in range(CHILDREN)
        ]
        if round_ == 0:
            born += [_stranger(history, ranked[0], rng) for _ in range(STRANGERS)]
        new = []
        for candidate in born:
            identity = frozenset((n, key(value)) for n, value in candidate.params.items())
            if identity not in met:
                met.add(identity)
                if not history.architectures.holds(candidate.params.__getitem__):
                    new.append(candidate)
        if new:
            found += zip(promise(new).tolist(), new, strict=True)
            found.sort(key=lambda pair: -pair[0])
            parents = [candidate for _, candidate in found[:PARENTS]]
    return [candidate for _, candidate in found]


def _child(
    history: History, parents: Sequence[Candidate], rng: np.random.Generator, steps: int | None
) -> Candidate:
    """A mutated parent, more often of the better ones; by a random number of steps if not told."""
    parent = parents[min(int(rng.exponential(len(parents) / 4)), len(parents) - 1)]
    params = parent.params
    for _ in range(steps or rng.geometric(0.5)):
        params = _mutant(history, params, rng)
    return Candidate(params, parent.parent)


def _mutant(history: History, params: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Other params, different in one decision, and in those that come or go with it."""
    mutable = [name for name in params if not history.distributions[name].single()]
    if not mutable:
        return params
    name = mutable[rng.integers(len(mutable))]
    changed = dict(params)
    changed[name] = mutated(
        history.distributions[name], params[name], rng, neighbour=bool(rng.integers(2))
    )

    def answer(asked: str) -> Any:
        return changed[asked] if asked in changed else draw(history.distributions[asked], rng)

    return history.activity.expected(params, answer)


def _stranger(history: History, known: FrozenTrial, rng: np.random.Generator) -> Candidate:
    """A random architecture; what it is asked is guessed from a trial."""
    answers = {
        name: draw(distribution, rng) for name, distribution in history.distributions.items()
    }
    return Candidate(history.activity.expected(known.params, answers.__getitem__), known.number)
