"""Regularized evolution: the oldest dies, not the worst (Real et al. 2019, algorithm 1).

https://arxiv.org/abs/1802.01548

    population <- the P youngest trials
    while true:
        sample <- S trials of the population, at random
        parent <- the best of the sample
        child <- mutate(parent), evaluated; it is the youngest now, and the oldest drops out
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas._ranking import best_first
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._mutation import mutated
from optuna_nas.samplers._planning import Plan
from optuna_nas.samplers._planning import PlanningSampler


if TYPE_CHECKING:
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial

    from optuna_nas.samplers._history import History


CHILDREN = 100
"""How many are thought of until one is new."""


class RegularizedEvolutionSampler(PlanningSampler):
    """Mutates the best of a random tournament, in exactly one decision.

    Until ``population_size`` trials have ended with a value, it samples at random. Trials of any
    source join the population: enqueued ones, those of other samplers, and pruned ones, which rank
    by their last value, behind all that got further; one that was rejected has no value and stays
    out. With several objectives, trials rank by front and crowding; feasible ones before
    infeasible ones. A decision that a mutation brings into being is sampled at random.

    Proposals are functions of the seed, the trial's number and the trials before: a resume changes
    nothing, and workers share one search.

    Example:

        .. code-block:: python

            sampler = optuna_nas.samplers.RegularizedEvolutionSampler(seed=0)
            study = optuna.create_study(sampler=sampler, direction="maximize")

    Args:
        population_size:
            P: how many of the youngest trials may have children; at least 2.
        tournament_size:
            S: how many of them compete to be the parent; ``1..population_size``. By default all: a
            search of some hundred trials has no time for less (see ``studies/nasbench201``).
        neighbour:
            Whether a mutated number steps to a neighbouring value. If not, any other is drawn.
        crossover_probability:
            How often two winners are crossed (each decision from one or the other) before the
            mutation. At 0, and with ``avoid_repeats=False``, it is the paper's algorithm.
        avoid_repeats:
            Whether params of earlier trials, running and rejected ones too but not failed ones,
            are not proposed again as long as others are found: by 100 mutations, then by 300
            random samples.
        seed:
            At least 0; None draws one.

    Raises:
        ValueError:
            If an argument is out of range.
    """

    def __init__(
        self,
        *,
        population_size: int = 10,
        tournament_size: int = 10,
        neighbour: bool = True,
        crossover_probability: float = 0.0,
        avoid_repeats: bool = True,
        seed: int | None = None,
    ) -> None:
        population_size = checked_int("population_size", population_size, 2)
        tournament_size = checked_int("tournament_size", tournament_size, 1)
        probability = checked_float(
            "crossover_probability", crossover_probability, least=0, most=1
        )
        if tournament_size > population_size:
            raise ValueError(
                f"tournament_size must be in 1..population_size ({population_size}), but got "
                f"{tournament_size}."
            )
        super().__init__(avoid_repeats=avoid_repeats, seed=seed)
        self._population_size = population_size
        self._tournament_size = tournament_size
        self._neighbour = neighbour
        self._crossover_probability = probability

    def _plans(
        self, history: History, number: int, directions: Sequence[StudyDirection]
    ) -> Iterator[Plan]:
        """Children of the population, once there is one."""
        population = history.valued[-self._population_size :]
        if len(population) < self._population_size:
            return
        ranked = best_first(population, directions)
        for attempt in range(CHILDREN):
            yield self._child(ranked, generator(self._seed, number, attempt, "child"))

    def _child(self, ranked: Sequence[FrozenTrial], rng: np.random.Generator) -> Plan:
        """A mutated winner, or a mutated cross of two."""
        parent = self._winner(ranked, rng)
        parents, params, distributions = [parent], dict(parent.params), dict(parent.distributions)
        if rng.random() < self._crossover_probability:
            other = self._winner(ranked, rng)
            parents.append(other)
            for name, value in other.params.items():
                if name not in params or rng.integers(2):
                    params[name], distributions[name] = value, other.distributions[name]
        mutable = [name for name, d in distributions.items() if not d.single()]
        chosen = mutable[rng.integers(len(mutable))] if mutable else None
        if chosen is not None:
            params[chosen] = mutated(
                distributions[chosen], params[chosen], rng, neighbour=self._neighbour
            )
        return Plan(params, [p.number for p in parents], chosen)

    def _winner(self, ranked: Sequence[FrozenTrial], rng: np.random.Generator) -> FrozenTrial:
        """The best of a random tournament; ``ranked`` has the best first."""
        return ranked[int(rng.choice(len(ranked), self._tournament_size, replace=False).min())]
