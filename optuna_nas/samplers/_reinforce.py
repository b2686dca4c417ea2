"""A recurrent controller that is trained with REINFORCE (Zoph & Le 2017; Williams 1992).

https://arxiv.org/abs/1611.01578

    theta <- small random weights
    repeat:
        for each trial that has ended: a REINFORCE step on theta, by its reward - moving average,
            which also makes the best so far more probable (Abolafia et al. 2018)
        ask: a_1 ~ P(a_1; theta), a_2 ~ P(a_2 | a_1; theta), ... until the network is built,
            without replacement: as if what was evaluated had no probability (Shi et al. 2020)

Theta is a function of the seed and of the trials that have ended, in the order in which they did.
"""

from __future__ import annotations

from threading import RLock
from typing import Any
from typing import TYPE_CHECKING

from optuna.samplers import BaseSampler

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas.samplers._actions import Actions
from optuna_nas.samplers._draw import checked_seed
from optuna_nas.samplers._draw import generator
from optuna_nas.samplers._reward import Baseline


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import FrozenTrial

    from optuna_nas.samplers._learner import Learner
    from optuna_nas.samplers._reward import Reward


class ReinforceSampler(BaseSampler):
    """Samples decision by decision from an LSTM that learns which answers are rewarded.

    A decision is conditioned on those before it, in the order the space asks. Floats, and ints of
    many values, are decided by bin (of the logarithm, where the distribution says so); in the bin,
    a value is drawn uniformly.

    To learn from few trials, it goes two steps beyond the paper. With each trial it learns the
    best ones again (priority queue training with REINFORCE, Abolafia et al. 2018,
    https://arxiv.org/abs/1801.03526). That makes it sure early. So that it does not spend trials
    on what it is sure of, decisions are drawn from the policy without the architectures of
    earlier trials (Shi et al. 2020, https://arxiv.org/abs/2002.09067). Without both it is Zoph
    and Le's.

    The controller takes one step of REINFORCE for each trial that ended, of any source: enqueued
    ones and those of other samplers too, as if it had proposed them. A pruned trial is worth what
    its last value is, but no more than any that got further. One that was rejected, breaks a
    constraint, has a value that is not finite, or was pruned with several objectives, is worth as
    little as the worst before it. The scale of the values does not matter: the advantage is
    measured in moving deviations.

    Proposals are functions of the seed, the trial's number and the trials that ended before, in
    order of completion: a resume changes nothing, and workers share one search. If one that ended
    earlier is seen late, what came after it is learned again. A trial of 24 decisions takes 14 to
    18 ms, however many came before; a resume takes 8 to 9 ms for each trial of the study, once. A
    sampler serves one study at a time: with another it begins again, from the trials there.

    Example:

        .. code-block:: python

            sampler = optuna_nas.samplers.ReinforceSampler(seed=0)
            study = optuna.create_study(sampler=sampler, direction="maximize")

    Args:
        reward:
            From the values of a complete trial, which are finite, to a finite number; more is
            better. With one objective it is also asked about the last value of a pruned trial. By
            default it is the value (its negative when minimising), or with several objectives the
            negative of the non-dominated rank among the last 100 trials that count.
        hidden_size:
            Of the LSTM and of the embeddings.
        learning_rate:
            Adam's.
        baseline_decay:
            The share of the baseline, a moving average, that stays with each new reward; in
            ``0..1``, without 1.
        entropy_weight:
            How much the entropy of the decisions counts beside the advantage.
        temperature:
            What the logits are divided by: above 1 for more exploration.
        epsilon:
            How often a decision is drawn uniformly, whatever has been learned.
        queue_size:
            K: how many of the best trials, all different, complete and feasible, are learned again
            with each new one, together as if they were one of advantage 1; at least 0. Much less
            than there are architectures, else it holds bad ones. With 0, and without
            ``avoid_repeats``, it suits rewards that change with time, as ENAS has them.
        avoid_repeats:
            Whether architectures that have been evaluated, pruned or rejected are not proposed
            again, until 100 draws in a row are such. One with a decision whose actions stand for
            several values (a float, an int of many) counts as new.
        bins:
            Into how many bins floats are cut, and ints and stepped floats of more values; at
            least 2.
        seed:
            At least 0; None draws one.

    Raises:
        ValueError:
            If an argument is out of range; when a trial begins, if ``reward`` returned something
            else than a finite number.
    """

    def __init__(
        self,
        *,
        reward: Reward | None = None,
        hidden_size: int = 64,
        learning_rate: float = 0.01,
        baseline_decay: float = 0.9,
        entropy_weight: float = 0.3,
        temperature: float = 1.0,
        epsilon: float = 0.0,
        queue_size: int = 5,
        avoid_repeats: bool = True,
        bins: int = 16,
        seed: int | None = None,
    ) -> None:
        if reward is not None and not callable(reward):
            raise ValueError(f"reward must be a function, or None, but got {reward!r}.")
        hidden_size = checked_int("hidden_size", hidden_size, 1)
        learning_rate = checked_float("learning_rate", learning_rate, above=0)
        baseline_decay = checked_float("baseline_decay", baseline_decay, least=0, below=1)
        entropy_weight = checked_float("entropy_weight", entropy_weight, least=0)
        temperature = checked_float("temperature", temperature, above=0)
        epsilon = checked_float("epsilon", epsilon, least=0, most=1)
        self._seed = checked_seed(seed)
        self._reward = reward
        self._baseline_decay = baseline_decay
        self._queue_size = checked_int("queue_size", queue_size, 0)
        self._avoid_repeats = avoid_repeats
        self._bins = checked_int("bins", bins, 2)
        self._options: dict[str, Any] = {
            "hidden_size": hidden_size,
            "learning_rate": learning_rate,
            "entropy_weight": entropy_weight,
            "temperature": temperature,
            "epsilon": epsilon,
        }
        self._learner: Learner | None = None
        self._lock = RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what is learned again from the study."""
        return {**self.__dict__, "_learner": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=RLock())

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Learns from the trials that have ended since."""
        with self._lock:
            self._learner_of(study).update(study._get_trials(deepcopy=False, use_cache=True))

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        actions = Actions(param_distribution, self._bins)
        rng = generator(self._seed, trial.number, param_name)
        with self._lock:
            action = self._learner_of(study).draw(trial, param_name, len(actions), rng)
        return actions.draw(action, rng)

    def _learner_of(self, study: Study) -> Learner:
        """Who learns from this study; a new one, if the last was another's."""
        if self._learner is None or not self._learner.belongs_to(study):
            # Here, since torch takes a second to import.
            from optuna_nas.samplers._controller import Controller
            from optuna_nas.samplers._learner import Learner

            controller = Controller(self._seed, **self._options)
            baseline = Baseline(self._baseline_decay)
            self._learner = Learner(
                study,
                controller,
                baseline,
                self._reward,
                self._bins,
                queue_size=self._queue_size,
                avoid_repeats=self._avoid_repeats,
            )
            self._learner.update(study._get_trials(deepcopy=False, use_cache=True))
        return self._learner
