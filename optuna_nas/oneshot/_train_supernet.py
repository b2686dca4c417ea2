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
import math
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
import torch
from torch import nn
from torch import Tensor

from optuna_nas.oneshot._one_shot import device_of
from optuna_nas.oneshot._one_shot import restored_path
from optuna_nas.oneshot._one_shot import score_path
from optuna_nas.oneshot._paths import fair
from optuna_nas.oneshot._paths import Params
from optuna_nas.oneshot._paths import Paths
from optuna_nas.oneshot._paths import Proposed
from optuna_nas.oneshot._paths import uniform
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.space import AnsweredTrial
from optuna_nas.training import default_recipe
from optuna_nas.training import generator_for
from optuna_nas.training import Recipe
from optuna_nas.training import resolve_device
from optuna_nas.training._data import Batch
from optuna_nas.training._data import Data
from optuna_nas.training._data import load
from optuna_nas.training._data import Resident
from optuna_nas.training._data import Rows
from optuna_nas.training._epochs import check_epochs
from optuna_nas.training._losses import check_outputs
from optuna_nas.training._losses import default_loss
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._scores import Metric
from optuna_nas.training._seeds import check_seed
from optuna_nas.training._seeds import seeded
from optuna_nas.training._seeds import spawn
from optuna_nas.training._train import direction_of


CPU = torch.device("cpu")

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
        if self._training.number != self.epoch:
            raise ValueError(
                f"The training has gone on to epoch {self._training.number}, so the state of "
                f"epoch {self.epoch} is gone: call state_dict() before the next epoch."
            )
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
            If data are of a kind that cannot be trained on.
        ValueError:
            If an argument is not what is said above, data have no rows, or the state is of another
            search space.
        FloatingPointError:
            While it runs, if a loss or a reward is not finite.
        Rejected:
            If no weights take a gradient.
    """
    check_epochs(epochs)
    check_seed(seed)
    _check_rewards(rewards)
    _check_paths(paths, valid)
    place = resolve_device(device)
    rows = _loaded(train, "train").to(place)
    supernet.to(place)
    rewarding = None
    if valid is not None and isinstance(paths, BaseSampler):
        held_out = _loaded(valid, "valid").to(place)
        proposed = Proposed(supernet, paths, _direction(held_out, metric, direction))
        rewarding = _Rewarding(proposed, held_out, metric, rewards)
    answers = AnsweredTrial(_refuse) if trial is None else trial
    training = _Training(
        supernet=supernet,
        rows=rows,
        recipe=make_recipe(recipe, answers, supernet.module),
        epochs=epochs,
        paths=rewarding.proposed if rewarding else NAMED[str(paths)],
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
    rows: Rows
    recipe: Recipe
    epochs: int
    paths: Paths
    rewarding: _Rewarding | None
    seed: int
    number: int = 0

    def __post_init__(self) -> None:
        self.rates = [group["lr"] for group in self.recipe.optimizer.param_groups]

    def run(self) -> Iterator[SupernetEpoch]:
        """Yields after each epoch that is left."""
        while self.number < self.epochs:
            self.number += 1
            generator = generator_for(self.seed, self.number)
            with seeded(spawn(generator, CPU).initial_seed()), restored_path(self.supernet):
                loss = self.epoch(generator)
                self.check_finite("training loss", loss)
                reward = self.rewarding.learn(self, generator) if self.rewarding else None
            yield SupernetEpoch(self.number, self.epochs, loss, reward, self)

    def epoch(self, generator: torch.Generator) -> float:
        """One pass over the training data; returns the mean loss."""
        self.supernet.train()
        device = device_of(self.supernet)
        noise, draws = spawn(generator, device), spawn(generator, CPU)
        steps = self.rows.steps(self.recipe.batch_size)
        total, seen = torch.zeros((), device=device), 0
        for step, batch in enumerate(self.rows.batches(self.recipe.batch_size, generator)):
            self.set_rates((step + 0.5) / steps if steps else 0.5)
            total += len(batch.targets) * self.step(self.augmented(batch, noise), draws)
            seen += len(batch.targets)
        if not seen:
            raise ValueError("train gave no batches: drop_last with fewer rows than a batch?")
        return float(total) / seen

    def step(self, batch: Batch, draws: torch.Generator) -> Tensor:
        """One step on the summed gradients of its paths; returns their mean loss."""
        losses = []
        self.recipe.optimizer.zero_grad()
        for params in self.paths(self.supernet, draws):
            self.supernet.activate(params)
            loss = self.loss(batch)
            loss.backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.supernet.weights(), self.recipe.clip_norm)
        self.recipe.optimizer.step()
        return torch.stack(losses).mean()

    def loss(self, batch: Batch) -> Tensor:
        inputs, targets, bounds = batch
        outputs = self.supernet(inputs)
        if self.recipe.loss is not None:
            return self.recipe.loss(outputs, targets)
        check_outputs(outputs, targets, bounds)
        return default_loss(outputs, targets, self.recipe.label_smoothing)

    def augmented(self, batch: Batch, noise: torch.Generator) -> Batch:
        if self.recipe.augment is None:
            return batch
        return batch._replace(inputs=self.recipe.augment(batch.inputs, noise))

    def set_rates(self, done: float) -> None:
        factor = self.recipe.schedule(min(1.0, (self.number - 1 + done) / self.epochs))
        for group, rate in zip(self.recipe.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def check_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise FloatingPointError(
                f"Epoch {self.number} of {self.epochs}: the {what} has become {value}. Take a "
                "lower learning rate (recipe), and go on from an epoch before (state)."
            )

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of what changes from epoch to epoch."""
        state = {
            "epoch": self.number,
            "seed": self.seed,
            "supernet": self.supernet.state_dict(),
            "optimizer": self.recipe.optimizer.state_dict(),
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
        if state["epoch"] >= self.epochs:
            raise ValueError(
                f"state is of epoch {state['epoch']}, so epochs must be more than that to go on, "
                f"but is {self.epochs}."
            )
        self.supernet.load_state_dict(state["supernet"])
        self.recipe.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        self.number, self.seed = state["epoch"], state["seed"]
        if self.rewarding:
            self.rewarding.proposed.add(state["trials"])


@dataclass(frozen=True)
class _Rewarding:
    """What a sampler learns from after an epoch."""

    proposed: Proposed
    rows: Rows
    metric: Metric
    n: int

    def learn(self, training: _Training, generator: torch.Generator) -> float:
        """Tells the sampler n rewards, and returns their mean."""
        batches = _without_end(self.rows, training.recipe.batch_size, generator)

        def reward(params: Params) -> float:
            inputs, targets, _ = next(batches)
            rows, n = Resident(inputs, targets), len(targets)
            value = score_path(training.supernet, params, rows, self.metric, n, [inputs])
            training.check_finite("reward", value)
            return value

        return self.proposed.learn(training.supernet, reward, self.n)


def _without_end(rows: Rows, size: int, generator: torch.Generator) -> Iterator[Batch]:
    while True:
        empty = True
        for batch in rows.batches(size, generator):
            empty = False
            yield batch
        if empty:
            raise ValueError("valid gave no batches: drop_last with fewer rows than a batch?")


def _loaded(data: Data, name: str) -> Rows:
    rows = load(data, name)
    rows.peek()  # refuses a dataset without rows
    return rows


def _direction(rows: Rows, metric: Metric, direction: str | None) -> str:
    peeked = rows.peek()
    return direction_of(metric, direction, None if peeked is None else peeked.targets)


def _check_rewards(rewards: Any) -> None:
    if isinstance(rewards, bool) or not isinstance(rewards, int) or rewards < 1:
        raise ValueError(f"rewards must be an int of at least 1, but is {rewards!r}.")


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


def _refuse(name: str, distribution: BaseDistribution) -> Any:
    raise ValueError(
        f"The recipe asks for {name!r}, but train_supernet got no trial: give it "
        "trial=optuna.trial.FixedTrial(params)."
    )
