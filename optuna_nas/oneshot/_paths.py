"""Which paths of a supernet a batch trains: uniform, strictly fair, or a sampler's.

uniform:   path ~ U(options of each decision)                        Guo et al. 2020, sec. 3
fair:      for each decision: permutation of its m options           Chu et al. 2021, alg. 1
           paths k = 1..m: the k-th option of each
proposed:  path ~ the sampler, which learns R(path)                  Pham et al. 2018, sec. 2.2
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
import math
from typing import Any
from typing import TypeAlias

import optuna
from optuna.distributions import IntDistribution
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import torch

from optuna_nas.oneshot._gate import Gate
from optuna_nas.oneshot._replay import replay
from optuna_nas.oneshot._supernet import Supernet


Params: TypeAlias = dict[str, Any]

Paths: TypeAlias = Callable[[Supernet, torch.Generator], list[Params]]
"""Draws the paths that one batch trains; the generator is on the CPU."""


def uniform(supernet: Supernet, generator: torch.Generator) -> list[Params]:
    """One path, uniform over the options of each decision, whatever the gates say.

    https://arxiv.org/abs/1904.00420, sec. 3. Dropped options are left out.

    Args:
        supernet:
            Whose paths.
        generator:
            On the CPU.
    """
    drawn = {}
    for name, gate in supernet.decisions.items():
        choices = kept_choices(gate)
        drawn[name] = choices[int(torch.randint(len(choices), (), generator=generator))]
    return [supernet._replay(drawn)]


def fair(supernet: Supernet, generator: torch.Generator) -> list[Params]:
    """As many paths as the largest decision has options, so that each option comes once.

    Strict fairness, https://arxiv.org/abs/1907.01845, alg. 1. A decision with fewer options goes
    through them again: none comes more than once more often than another. One that is asked only
    on the way to an option comes in the paths that take it, so for that it holds only on average.

    Args:
        supernet:
            Whose paths.
        generator:
            On the CPU.
    """
    choices = {name: kept_choices(gate) for name, gate in supernet.decisions.items()}
    m = max(map(len, choices.values()))
    columns = {name: _permuted(options, m, generator) for name, options in choices.items()}
    return [supernet._replay({name: columns[name][k] for name in columns}) for k in range(m)]


class Proposed:
    """Paths that a sampler proposes, in an Optuna study of its own, in memory.

    Those that weights are trained on end as failed trials, from which samplers do not learn.

    Args:
        supernet:
            Whose paths.
        sampler:
            Any of Optuna's kind.
        direction:
            Of the rewards: ``"maximize"`` or ``"minimize"``.
    """

    def __init__(self, supernet: Supernet, sampler: BaseSampler, direction: str) -> None:
        self._gates = supernet.decisions
        self._choices = {name: kept_choices(gate) for name, gate in self._gates.items()}
        self._study = optuna.create_study(
            sampler=sampler, direction=StudyDirection[direction.upper()]
        )

    @property
    def trials(self) -> list[FrozenTrial]:
        """Those so far, of both kinds."""
        return self._study.get_trials(deepcopy=False)

    def add(self, trials: Iterable[FrozenTrial]) -> None:
        """Takes over the trials of another one.

        Args:
            trials:
                As they come from :attr:`trials`.
        """
        self._study.add_trials(trials)

    def __call__(self, supernet: Supernet, generator: torch.Generator) -> list[Params]:
        """One path to train the weights on.

        Args:
            supernet:
                Whose paths.
            generator:
                Unused: the sampler has its own.
        """
        trial = self._study.ask()
        params = self._answers(supernet, trial)
        self._study.tell(trial, state=TrialState.FAIL)
        return [params]

    def learn(self, supernet: Supernet, reward: Callable[[Params], float], n: int) -> float:
        """Tells the sampler the rewards of n paths of its own.

        Args:
            supernet:
                Whose paths.
            reward:
                Of a path.
            n:
                How many.

        Returns:
            The mean reward.
        """
        rewards = []
        for _ in range(n):
            trial = self._study.ask()
            rewards.append(reward(self._answers(supernet, trial)))
            self._study.tell(trial, rewards[-1])
        return math.fsum(rewards) / n

    def _answers(self, supernet: Supernet, trial: optuna.Trial) -> Params:
        def answer(name: str) -> Any:
            return self._suggest(trial, name) if name in self._gates else supernet.values[name]

        return replay(supernet._asks, self._gates, answer)[0]

    def _suggest(self, trial: optuna.Trial, name: str) -> Any:
        whole, choices = self._gates[name].distribution, self._choices[name]
        if isinstance(whole, IntDistribution) and len(choices) == len(self._gates[name].choices):
            return trial.suggest_int(name, whole.low, whole.high)
        return trial.suggest_categorical(name, choices)


def kept_choices(gate: Gate) -> list[Any]:
    """Returns the choices of a decision that take no dropped option.

    Args:
        gate:
            Of the decision.
    """
    kept = gate.kept.tolist()
    return [choice for choice, taken in gate.choices.items() if all(kept[i] for i in taken)]


def _permuted(options: list[Any], m: int, generator: torch.Generator) -> list[Any]:
    """m of them: all in random order, and again, until there are enough."""
    rounds = range(math.ceil(m / len(options)))
    orders = [torch.randperm(len(options), generator=generator) for _ in rounds]
    return [options[i] for i in torch.cat(orders)[:m].tolist()]
