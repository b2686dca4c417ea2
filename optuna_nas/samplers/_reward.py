"""What a finished trial is worth to a sampler that learns from rewards: more is better."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
import math
from numbers import Real
from typing import TypeAlias

import numpy as np
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from optuna_nas._arguments import checked_float
from optuna_nas._ranking import fronts
from optuna_nas._ranking import last_value
from optuna_nas._ranking import violation


Reward: TypeAlias = Callable[[Sequence[float]], float]
"""From a trial's values, one per objective, to a number of which more is better."""

WINDOW = 100
"""Of how many trials, the latest, the rewards are compared."""

HUGE = 1e150
"""Rewards beyond this count as this: the squares of larger ones are no numbers."""

FAR = 3.0
"""How many deviations an advantage has at most, and how many quartile ranges a reward is off."""


def mnasnet_reward(target: float, exponent: float | tuple[float, float] = -0.07) -> Reward:
    """Returns accuracy with a soft limit on a cost: ``accuracy * (cost / target) ** w``.

    For a study of two objectives, the accuracy and then its cost, such as the latency (Tan et al.
    2019, "MnasNet", eq. 2-3, https://arxiv.org/abs/1807.11626).

    Example:

        .. code-block:: python

            reward = optuna_nas.samplers.mnasnet_reward(target=0.080)  # seconds
            sampler = optuna_nas.samplers.ReinforceSampler(reward=reward, seed=0)
            study = optuna.create_study(sampler=sampler, directions=["maximize", "minimize"])

    Args:
        target:
            T: the cost that is aimed at, in the unit of the second value; above 0.
        exponent:
            w, at most 0: -0.07 means that twice the cost is worth 5 % more accuracy. A pair is
            alpha, for costs up to the target, and beta, for those above: ``(0, -1)`` makes the
            target a limit.

    Raises:
        ValueError:
            If an argument is out of range; from the reward, if the values are not two or the cost
            is not above 0.
    """
    exponents = exponent if isinstance(exponent, tuple) else (exponent, exponent)
    target = checked_float("target", target, above=0)
    if len(exponents) != 2 or not all(
        isinstance(w, Real) and -math.inf < w <= 0 for w in exponents
    ):
        raise ValueError(
            "exponent must be at most 0 and finite, or a pair of such numbers, but got "
            f"{exponent!r}."
        )
    alpha, beta = exponents
    return partial(_mnasnet, target=target, alpha=alpha, beta=beta)


def _mnasnet(values: Sequence[float], *, target: float, alpha: float, beta: float) -> float:
    if len(values) != 2 or values[1] <= 0:
        raise ValueError(
            "mnasnet_reward takes two values, the accuracy and a cost above 0, but got "
            f"{list(values)}."
        )
    accuracy, cost = values
    return float(accuracy * (cost / target) ** (alpha if cost <= target else beta))


class Rewards:
    """The rewards of a study's trials, one after the other, in the order in which they ended.

    Args:
        directions:
            The study's.
    """

    def __init__(self, directions: Sequence[StudyDirection]) -> None:
        self._signs = np.array([1.0 if d == StudyDirection.MAXIMIZE else -1.0 for d in directions])
        self._latest: deque[list[float]] = deque(maxlen=WINDOW)
        self._lowest: dict[float, float] = {}

    def of(self, trial: FrozenTrial, reward: Reward | None) -> float | None:
        """Returns what the next trial is worth; None as long as nothing is known to compare.

        Args:
            trial:
                Complete or pruned. A pruned one is worth what its last value is, but no more than
                any that got further. One without finite values, or one that breaks a constraint,
                is worth as little as the worst so far.
            reward:
                The user's. By default it is the value (its negative when minimising), or with
                several objectives the negative of the non-dominated rank among the last 100.

        Raises:
            ValueError:
                If the user's reward returns something else than a finite number.
        """
        step, values = _reached(trial, len(self._signs))
        if not values or not all(map(math.isfinite, values)) or violation(trial) > 0:
            return min(self._lowest.values(), default=None)
        earned = self._default(values) if reward is None else _checked(reward, trial, values)
        earned = min(max(earned, -HUGE), HUGE)
        earned = min([earned, *(low for at, low in self._lowest.items() if at > step)])
        self._lowest[step] = min(earned, self._lowest.get(step, math.inf))
        return earned

    def _default(self, values: Sequence[float]) -> float:
        gains = self._signs * values
        if len(gains) == 1:
            return float(gains[0])
        self._latest.append(gains.tolist())
        latest = len(self._latest) - 1
        ranked = enumerate(fronts(-np.array(self._latest)))
        return -float(next(rank for rank, front in ranked if latest in front))


class Baseline:
    """The exponential moving average of the rewards (Zoph & Le 2017, sec. 3.2).

    Of the latest 100, those far out (by more than 3 times the range between the quartiles; Tukey
    1977) pulled in: a loss that exploded is one bad trial, and does not drown those that follow.

    Args:
        decay:
            The share of the average that stays with each new reward.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self._latest: deque[float] = deque(maxlen=WINDOW)

    def advantage(self, reward: float) -> float:
        """Returns how far a reward is above the average of those before.

        It is measured in the moving average of such distances, so that the scale of the values
        does not matter; -3 to 3, and 0 for the first.
        """
        self._latest.append(reward)
        if len(self._latest) == 1:
            return 0.0
        low, high = np.quantile(self._latest, [0.25, 0.75])
        far = FAR * (high - low) or math.inf
        rewards = np.clip(self._latest, low - far, high + far)
        weights = self._decay ** np.arange(len(rewards))[::-1]
        above = rewards[-1] - rewards
        advantage = np.average(above[:-1], weights=weights[1:])
        deviation = np.average(abs(advantage - above), weights=weights)
        return float(np.clip(advantage / deviation, -FAR, FAR)) if advantage else 0.0


def _reached(trial: FrozenTrial, objectives: int) -> tuple[float, Sequence[float] | None]:
    """How far a trial got, and its values there, if there is one for each objective."""
    if trial.state == TrialState.COMPLETE:
        return math.inf, trial.values
    step, value = last_value(trial) or (0, math.nan)
    return step, [value] if objectives == 1 else None


def _checked(reward: Reward, trial: FrozenTrial, values: Sequence[float]) -> float:
    earned = reward(values)
    if not (isinstance(earned, Real) and math.isfinite(earned)):
        raise ValueError(
            f"reward ({getattr(reward, '__name__', reward)}) must return a finite number, but "
            f"returned {earned!r} for trial {trial.number} with the values {list(values)}."
        )
    return float(earned)
