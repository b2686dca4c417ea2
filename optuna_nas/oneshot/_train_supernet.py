"""``train_supernet``: single-path training of shared weights, as a generator over epochs.

    for each epoch:
        for each batch:
            for each path of paths(supernet):           one; of a fair draw as many as options
                accumulate the gradient of L(batch; path, w)
            step w
        for a sampler, n times: tell it R(path) on a validation batch        (ENAS: the controller)

Every epoch's randomness is a function of the seed and its number, so an epoch's end is a place to
go on from.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
import copy
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from optuna.samplers import BaseSampler
import torch

from optuna_nas.oneshot._path_epochs import answers_of
from optuna_nas.oneshot._path_epochs import check_current
from optuna_nas.oneshot._path_epochs import check_finite
from optuna_nas.oneshot._path_epochs import loaded
from optuna_nas.oneshot._path_epochs import PathEpochs
from optuna_nas.oneshot._path_epochs import randomness_of
from optuna_nas.oneshot._paths import fair
from optuna_nas.oneshot._paths import Paths
from optuna_nas.oneshot._paths import Proposed
from optuna_nas.oneshot._paths import uniform
from optuna_nas.oneshot._rewards import check_rewards
from optuna_nas.oneshot._rewards import reward_direction
from optuna_nas.oneshot._rewards import Rewarding
from optuna_nas.oneshot._supernet import check_supernet
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.training import default_recipe
from optuna_nas.training import resolve_device
from optuna_nas.training._data import Data
from optuna_nas.training._epochs import check_epochs
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._scores import Metric
from optuna_nas.training._seeds import check_seed


NAMED: dict[str, Paths] = {"uniform": uniform, "fair": fair}

STATE = ("epoch", "seed", "supernet", "optimizer", "trials")


@dataclass(frozen=True)
class SupernetEpoch:
    """What an epoch of a supernet came to.

    Args:
        epoch:
            Its number, counted from 1.
        epochs:
            How many there are.
        train_loss:
            The mean over the epoch's rows and paths.
        reward:
            The mean over the sampler's paths; None without a sampler.
    """

    epoch: int
    epochs: int
    train_loss: float
    reward: float | None
    _training: _Training = field(repr=False, compare=False)

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of all that is needed to go on after this epoch, as ``state``.

        Raises:
            ValueError:
                If the training has gone on since.
        """
        check_current(self._training.number, self.epoch)
        return self._training.state_dict()


def train_supernet(
    supernet: Supernet,
    train: Data,
    valid: Data | None = None,
    *,
    epochs: int,
    paths: str | BaseSampler = "uniform",
    rewards: int = 50,
    recipe: MakeRecipe = default_recipe,
    trial: Any = None,
    metric: Metric = None,
    direction: str | None = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
    state: Mapping[str, Any] | None = None,
) -> Iterator[SupernetEpoch]:
    """Trains the weights of a supernet path by path, and yields after each epoch.

    Gates are neither used nor trained, and a step leaves alone what its paths do not take. Between
    epochs torch's global RNG and the supernet's active path are what they were before.

    Example:

        .. code-block:: python

            for epoch in train_supernet(supernet, train, epochs=50, seed=0):
                print(epoch)

    Args:
        supernet:
            It moves to the device.
        train:
            What to train on: a pair (X, y), a Dataset or a DataLoader.
        valid:
            What rewards are measured on; for a sampler, and only there.
        epochs:
            How many the schedule spans. The caller may stop earlier.
        paths:
            ``"uniform"``: one path a batch, uniform over each decision's options (single path:
            Guo et al. 2020, https://arxiv.org/abs/1904.00420, sec. 3). ``"fair"``: as many paths
            a batch as the largest decision has options, which take each option once, their
            gradients summed (strict fairness: Chu et al. 2021, https://arxiv.org/abs/1907.01845,
            alg. 1). Or a sampler, which proposes a path a batch and after each epoch learns from
            rewards: with ``ReinforceSampler`` it is ENAS (Pham et al. 2018,
            https://arxiv.org/abs/1802.03268, sec. 2.2).
        rewards:
            How many paths a sampler gets a reward for after each epoch. It is the metric on one
            random batch of ``valid``, from which batch normalizations take their statistics.
        recipe:
            As for :class:`Train`; its function gets the supernet's module without the gates.
        trial:
            What answers the recipe; None if the recipe asks nothing.
        metric:
            Of rewards, as for :class:`Train`.
        direction:
            As for :class:`Train`.
        seed:
            Of order, augmentation, paths and dropout; a sampler has its own. None draws one from
            torch's global RNG.
        device:
            As for :class:`Train`.
        state:
            From ``state_dict()`` of an epoch of the same training, to go on exactly as it would
            have; so too with a sampler whose proposals follow from its seed and its trials, as
            ours do. Its seed is taken.

    Returns:
        An iterator; what cannot work is refused before the first epoch.

    Raises:
        TypeError:
            If data are of a kind that cannot be trained on, or the supernet is none.
        ValueError:
            If an argument is not what is said above, data have no rows, or the state is of another
            search space or of the last epoch.
        FloatingPointError:
            While it runs, if a loss or a reward is not finite.
        Rejected:
            If no weights take a gradient.
    """
    check_supernet(supernet)
    check_epochs(epochs)
    check_seed(seed)
    check_rewards(rewards)
    _check_paths(paths, valid)
    place = resolve_device(device)
    rows = loaded(train, "train").to(place)
    supernet.to(place)
    rewarding = None
    if valid is not None and isinstance(paths, BaseSampler):
        held_out = loaded(valid, "valid").to(place)
        proposed = Proposed(supernet, paths, reward_direction(held_out, metric, direction))
        rewarding = Rewarding(proposed, held_out, metric, rewards)
    made = make_recipe(recipe, answers_of(trial, "train_supernet"), supernet.module)
    drawn = rewarding.proposed if rewarding else NAMED[str(paths)]
    training = _Training(
        supernet=supernet,
        loop=PathEpochs(supernet, rows, made, epochs, drawn),
        rewarding=rewarding,
        seed=int(torch.randint(2**31, ())) if seed is None else seed,
    )
    if state is not None:
        training.load_state_dict(state)
    return training.run()


@dataclass
class _Training:
    """A training between two epochs."""

    supernet: Supernet
    loop: PathEpochs
    rewarding: Rewarding | None
    seed: int
    number: int = 0

    def run(self) -> Iterator[SupernetEpoch]:
        """Yields after each epoch that is left."""
        while self.number < self.loop.epochs:
            self.number += 1
            with randomness_of(self.supernet, self.seed, self.number) as generator:
                loss = self.loop.run(self.number, generator)
                self.check_finite("training loss", loss)
                reward = self._learn(generator)
            yield SupernetEpoch(self.number, self.loop.epochs, loss, reward, self)

    def _learn(self, generator: torch.Generator) -> float | None:
        if self.rewarding is None:
            return None
        return self.rewarding.learn(self.loop, generator, self.check_finite)

    def check_finite(self, what: str, value: float) -> None:
        check_finite(what, value, self.number, self.loop.epochs)

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of what changes from epoch to epoch."""
        state = {
            "epoch": self.number,
            "seed": self.seed,
            "supernet": self.supernet.state_dict(),
            "optimizer": self.loop.recipe.optimizer.state_dict(),
            "trials": self.rewarding.proposed.trials if self.rewarding else [],
        }
        return copy.deepcopy(state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from where a state was taken."""
        missing = [key for key in STATE if key not in state]
        if missing:
            raise ValueError(
                f"state lacks {', '.join(map(repr, missing))}: it must come from state_dict() of "
                "an epoch that train_supernet yielded."
            )
        if state["epoch"] >= self.loop.epochs:
            raise ValueError(
                f"state is of epoch {state['epoch']}, so epochs must be more than that to go on, "
                f"but is {self.loop.epochs}."
            )
        self.supernet.load_state_dict(state["supernet"])
        self.loop.recipe.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.number, self.seed = state["epoch"], state["seed"]
        if self.rewarding:
            self.rewarding.proposed.add(state["trials"])


def _check_paths(paths: Any, valid: Any) -> None:
    if isinstance(paths, BaseSampler):
        if valid is None:
            raise ValueError(
                "paths is a sampler, which learns from rewards on held-out data: give valid."
            )
    elif not isinstance(paths, str) or paths not in NAMED:
        raise ValueError(
            "paths must be 'uniform', 'fair' or a sampler (an optuna.samplers.BaseSampler, for "
            f"instance optuna_nas.samplers.ReinforceSampler()), but is {paths!r}."
        )
    elif valid is not None:
        raise ValueError(
            f"valid is what a sampler's rewards are measured on, but paths={paths!r} has none: "
            "leave valid out, and score paths with OneShot."
        )
