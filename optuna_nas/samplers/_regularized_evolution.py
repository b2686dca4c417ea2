"""Regularized evolution: the oldest dies, not the worst (Real et al. 2019, algorithm 1).

https://arxiv.org/abs/1802.01548

    population <- the P youngest trials
    while true:
        sample <- S trials of the population, at random
        parent <- the best of the sample
        child <- mutate(parent), evaluated; it is the youngest now, and the oldest drops out
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import secrets
from typing import Any
from typing import TYPE_CHECKING

import numpy as np
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from optuna_nas.samplers._draw import draw
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._mutation import mutated
from optuna_nas.samplers._ranking import best_first
from optuna_nas.samplers._ranking import last_value


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial


PLAN = "optuna_nas:evolution"
"""Trial system attr: the child that is meant, ``{"parents", "mutated", "params", "attempt"}``."""

MUTANTS, STRANGERS = 100, 300
"""How many children, then random samples, are thought up until one is new."""


class RegularizedEvolutionSampler(BaseSampler):
    """Mutates the best of a random tournament, in exactly one decision.

    Until ``population_size`` trials have finished with a value, it samples at random. Trials of
    any source join the population: enqueued ones, those of other samplers, and pruned ones, which
    rank by their last value, behind all that got further; one that was rejected has no value and
    stays out. With several objectives, trials rank by front and crowding; feasible ones before
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
            S: how many of them compete to be the parent; ``1..population_size``.
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
        tournament_size: int = 5,
        neighbour: bool = True,
        crossover_probability: float = 0.0,
        avoid_repeats: bool = True,
        seed: int | None = None,
    ) -> None:
        if population_size < 2:
            raise ValueError(f"population_size must be at least 2, but got {population_size}.")
        if not 1 <= tournament_size <= population_size:
            raise ValueError(
                f"tournament_size must be in 1..population_size ({population_size}), but got "
                f"{tournament_size}."
            )
        if not 0 <= crossover_probability <= 1:
            raise ValueError(
                f"crossover_probability must be in 0..1, but got {crossover_probability}."
            )
        if seed is not None and seed < 0:
            raise ValueError(f"seed must be at least 0, or None, but got {seed}.")
        self._population_size = population_size
        self._tournament_size = tournament_size
        self._neighbour = neighbour
        self._crossover_probability = crossover_probability
        self._avoid_repeats = avoid_repeats
        self._seed = seed if seed is not None else secrets.randbits(32)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Chooses parent and mutation, and keeps the plan in the trial."""
        trials = study._get_trials(deepcopy=False, use_cache=True)
        population = self._population(trials)
        ranked = best_first(population, study.directions)
        known = {name: d for t in trials for name, d in t.distributions.items()}
        for attempt in range(MUTANTS + STRANGERS):
            plan = self._child(
                ranked if attempt < MUTANTS else [],
                generator(self._seed, trial.number, attempt, "plan"),
            )
            plan["attempt"] = attempt
            if not (self._avoid_repeats and self._is_known(trials, trial.number, plan, known)):
                break
        study._storage.set_trial_system_attr(trial._trial_id, PLAN, plan)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {n: self.sample_independent(study, trial, n, d) for n, d in search_space.items()}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        plan = trial.system_attrs.get(PLAN, {"params": {}, "attempt": 0})
        return self._answer(plan, trial.number, param_name, param_distribution)

    def _population(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        """The youngest trials that have a value, the last one of a pruned trial included."""
        valued = [
            trial
            for trial in trials
            if trial.state == TrialState.COMPLETE
            or (trial.state == TrialState.PRUNED and last_value(trial) is not None)
        ]
        return valued[-self._population_size :]

    def _child(self, ranked: Sequence[FrozenTrial], rng: np.random.Generator) -> dict[str, Any]:
        """A mutated winner; a child without parents, if the population is not full yet."""
        if len(ranked) < self._population_size:
            return {"parents": [], "mutated": None, "params": {}}
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
        return {"parents": [p.number for p in parents], "mutated": chosen, "params": params}

    def _winner(self, ranked: Sequence[FrozenTrial], rng: np.random.Generator) -> FrozenTrial:
        """The best of a random tournament; ``ranked`` has the best first."""
        return ranked[int(rng.choice(len(ranked), self._tournament_size, replace=False).min())]

    def _answer(
        self, plan: Mapping[str, Any], number: int, name: str, distribution: BaseDistribution
    ) -> Any:
        """What the plan says, where it is legal; else a random value."""
        if name in plan["params"] and _legal(distribution, plan["params"][name]):
            return plan["params"][name]
        return draw(distribution, generator(self._seed, number, plan["attempt"], name))

    def _is_known(
        self,
        trials: Sequence[FrozenTrial],
        number: int,
        plan: Mapping[str, Any],
        known: Mapping[str, BaseDistribution],
    ) -> bool:
        """Whether some trial was asked nothing that this child would answer otherwise.

        A network asks the same questions after the same answers, so the child would be the same
        architecture, whatever else it inherits.
        """
        answers = {name: self._answer(plan, number, name, d) for name, d in known.items()}
        return any(
            trial.params and all(answers[name] == value for name, value in trial.params.items())
            for trial in trials
            if trial.state != TrialState.FAIL
        )


def _legal(distribution: BaseDistribution, value: Any) -> bool:
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False
