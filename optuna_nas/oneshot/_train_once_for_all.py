"""``train_once_for_all``: progressive shrinking, as a generator over epochs.

    train the largest network; a frozen copy of it is the teacher
    for each phase:                                            kernels, depths, widths
        sort the channels that no smaller network shares yet
        for each batch, for each of a few random paths of what is open so far:
            accumulate the gradient of (1 - s) L(batch; path) + s L(teacher; path)
        step the weights

Cai et al. 2020, https://arxiv.org/abs/1908.09791, sec. 3.3. Every epoch's randomness is a function
of the seed and its number, so an epoch's end is a place to go on from.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import copy
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import Any

import torch
from torch import nn
from torch import Tensor
from torch.nn import functional as F

from optuna_nas.oneshot._once_for_all import OnceForAll
from optuna_nas.oneshot._path_epochs import answers_of
from optuna_nas.oneshot._path_epochs import check_current
from optuna_nas.oneshot._path_epochs import check_finite
from optuna_nas.oneshot._path_epochs import loaded
from optuna_nas.oneshot._path_epochs import PathEpochs
from optuna_nas.oneshot._path_epochs import randomness_of
from optuna_nas.oneshot._path_epochs import task_loss
from optuna_nas.oneshot._paths import Params
from optuna_nas.oneshot._phases import epochs_of
from optuna_nas.oneshot._phases import phases_of
from optuna_nas.training import default_recipe
from optuna_nas.training import Recipe
from optuna_nas.training import resolve_device
from optuna_nas.training._data import Batch
from optuna_nas.training._data import Data
from optuna_nas.training._data import Rows
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._seeds import check_seed


STATE = ("epoch", "seed", "phases", "epochs", "supernet", "optimizer", "teacher")


@dataclass(frozen=True)
class OnceForAllEpoch:
    """What an epoch of a once-for-all network came to.

    Args:
        phase:
            The phase that it is in; 0 is the largest network alone.
        opened:
            The patterns of the decisions that are drawn.
        epoch:
            Its number over all phases, counted from 1.
        epochs:
            How many there are.
        train_loss:
            The mean over the epoch's rows and paths, the teacher's share included.
    """

    phase: int
    opened: tuple[str, ...]
    epoch: int
    epochs: int
    train_loss: float
    _training: _Training = field(repr=False, compare=False)

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of all that is needed to go on after this epoch, as ``state``.

        Raises:
            ValueError:
                If the training has gone on since.
        """
        check_current(self._training.number, self.epoch)
        return self._training.state_dict()


def train_once_for_all(
    supernet: OnceForAll,
    train: Data,
    *,
    epochs: int | Sequence[int],
    phases: Sequence[str | Sequence[str]] | None = None,
    paths: int = 2,
    distillation: float = 0.5,
    recipe: MakeRecipe = default_recipe,
    trial: Any = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
    state: Mapping[str, Any] | None = None,
) -> Iterator[OnceForAllEpoch]:
    """Trains a once-for-all network by progressive shrinking, and yields after each epoch.

    First the largest network alone, then phase by phase random sub-networks too (Cai et al. 2020,
    https://arxiv.org/abs/1908.09791, sec. 3.3). Each phase has a recipe made anew, whose schedule
    spans it. At its begin, channels are sorted that smaller networks have not shared yet. Between
    epochs torch's global RNG and the active path are what they were before.

    Example:

        .. code-block:: python

            for epoch in train_once_for_all(supernet, train, epochs=[30, 10, 10, 20], seed=0):
                print(epoch)

    Args:
        supernet:
            It moves to the device.
        train:
            What to train on: a pair (X, y), a Dataset or a DataLoader.
        epochs:
            Of each phase, that of the largest network alone included; or of each its own.
        phases:
            Patterns of the decisions that open in each phase after the first:
            ``["*/kernel", ["*/depth", "*/blocks"], "width"]``. Those that are not open yet stay at
            their largest. By default kernels, then numbers of blocks, then all the rest, as far as
            the network has them.
        paths:
            How many random sub-networks a step trains; their gradients are summed.
        distillation:
            The teacher's share s in the loss, from 0 to 1. The teacher is the largest network as
            it was after the first phase; it gives soft targets for classes, and numbers of which
            the squared error is taken. The paper's 1 to 1 is 0.5.
        recipe:
            As for :class:`Train`; its function gets the supernet.
        trial:
            What answers the recipe; None if the recipe asks nothing.
        seed:
            Of order, augmentation, paths and dropout. None draws one from torch's global RNG.
        device:
            As for :class:`Train`.
        state:
            From ``state_dict()`` of an epoch of the same training, to go on exactly as it would
            have. Its seed is taken.

    Returns:
        An iterator; what cannot work is refused before the first epoch.

    Raises:
        TypeError:
            If ``supernet`` is no :class:`OnceForAll`, or the data are of a kind that cannot be
            trained on.
        ValueError:
            If an argument is not what is said above, a pattern means no open decision, data have
            no rows, or the state is of another search space or of other phases.
        FloatingPointError:
            While it runs, if a loss is not finite.
        Rejected:
            If no weights take a gradient.
    """
    if not isinstance(supernet, OnceForAll):
        raise TypeError(
            "supernet must be a OnceForAll, OnceForAll(network), but got "
            f"{supernet!r} ({type(supernet).__name__})."
        )
    opening = phases_of(phases, supernet)
    lengths = epochs_of(epochs, 1 + len(opening))
    check_seed(seed)
    _check_numbers(paths, distillation)
    place = resolve_device(device)
    rows = loaded(train, "train").to(place)
    supernet.to(place)
    answers = answers_of(trial, "train_once_for_all")
    training = _Training(
        supernet=supernet,
        rows=rows,
        recipe=lambda: make_recipe(recipe, answers, supernet),
        phases=((), *opening),
        epochs=lengths,
        paths=paths,
        distillation=distillation,
        seed=int(torch.randint(2**31, ())) if seed is None else seed,
    )
    if state is not None:
        training.load_state_dict(state)
    return training.run()


@dataclass
class _Training:
    """A training between two epochs."""

    supernet: OnceForAll
    rows: Rows
    recipe: Callable[[], Recipe]
    phases: tuple[tuple[str, ...], ...]
    epochs: tuple[int, ...]
    paths: int
    distillation: float
    seed: int
    number: int = 0
    teacher: nn.Module | None = None

    def __post_init__(self) -> None:
        self.loop = self.loop_of(phase=0)

    def run(self) -> Iterator[OnceForAllEpoch]:
        """Yields after each epoch that is left."""
        last = sum(self.epochs)
        while self.number < last:
            self.number += 1
            phase, number = self.place()
            with randomness_of(self.supernet, self.seed, self.number) as generator:
                if phase > 0 and number == 1:
                    self.open(phase)
                loss = self.loop.run(number, generator)
                check_finite("training loss", loss, self.number, last)
            yield OnceForAllEpoch(phase, self.opened(phase), self.number, last, loss, self)

    def place(self) -> tuple[int, int]:
        """The phase that the epoch is in, and its number there."""
        phase, number = 0, max(1, self.number)
        while number > self.epochs[phase]:
            number -= self.epochs[phase]
            phase += 1
        return phase, number

    def open(self, phase: int) -> None:
        """Begins a phase after the first."""
        if phase == 1:
            self.teacher = self.frozen()
        self.supernet.sort_channels(self.two_rows(), fixed=self.opened(phase - 1))
        self.loop = self.loop_of(phase)

    def opened(self, phase: int) -> tuple[str, ...]:
        return sum(self.phases[: phase + 1], ())

    def loop_of(self, phase: int) -> PathEpochs:
        draw = partial(_draw, self.opened(phase), self.paths) if phase else _largest
        return PathEpochs(
            self.supernet, self.rows, self.recipe(), self.epochs[phase], draw, self.loss_of
        )

    def frozen(self) -> nn.Module:
        return copy.deepcopy(self.supernet.module).eval().requires_grad_(False)

    def two_rows(self) -> Tensor:
        for batch in self.rows.batches(2):
            return batch.inputs[:2]
        raise ValueError("train gave no batches: drop_last with fewer rows than a batch?")

    def loss_of(self, recipe: Recipe, batch: Batch) -> Callable[[Tensor], Tensor]:
        """The loss of outputs, of which the teacher has its share."""
        task, share = task_loss(recipe, batch), self.distillation
        if self.teacher is None or share == 0:
            return task
        with torch.no_grad():
            taught = self.teacher(batch.inputs)
        if batch.targets.is_floating_point():
            return lambda outputs: torch.lerp(task(outputs), F.mse_loss(outputs, taught), share)
        soft = taught.softmax(1)
        return lambda outputs: torch.lerp(task(outputs), F.cross_entropy(outputs, soft), share)

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of what changes from epoch to epoch."""
        state = {
            "epoch": self.number,
            "seed": self.seed,
            "phases": [list(patterns) for patterns in self.phases],
            "epochs": list(self.epochs),
            "supernet": self.supernet.state_dict(),
            "optimizer": self.loop.recipe.optimizer.state_dict(),
            "teacher": None if self.teacher is None else self.teacher.state_dict(),
        }
        return copy.deepcopy(state)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from where a state was taken."""
        missing = [key for key in STATE if key not in state]
        if missing:
            raise ValueError(
                f"state lacks {', '.join(map(repr, missing))}: it must come from state_dict() of "
                "an epoch that train_once_for_all yielded."
            )
        own = {"phases": [list(p) for p in self.phases], "epochs": list(self.epochs)}
        for key, value in own.items():
            if state[key] != value:
                raise ValueError(
                    f"state is of a training with {key}={state[key]}, but here they are {value}: "
                    "give the same, the largest network's phase first."
                )
        self.supernet.load_state_dict(state["supernet"])
        if state["teacher"] is not None:
            self.teacher = self.frozen()
            self.teacher.load_state_dict(state["teacher"])
        self.number, self.seed = state["epoch"], state["seed"]
        self.loop = self.loop_of(self.place()[0])
        self.loop.recipe.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))


def _largest(supernet: OnceForAll, generator: torch.Generator) -> list[Params]:
    return [supernet.largest]


def _draw(
    opened: Sequence[str], n: int, supernet: OnceForAll, generator: torch.Generator
) -> list[Params]:
    return [supernet.sample(generator, drawn=opened) for _ in range(n)]


def _check_numbers(paths: Any, distillation: Any) -> None:
    if isinstance(paths, bool) or not isinstance(paths, int) or paths < 1:
        raise ValueError(f"paths must be an int of at least 1, but is {paths!r}.")
    if (
        isinstance(distillation, bool)
        or not isinstance(distillation, int | float)
        or not 0 <= distillation <= 1
    ):
        raise ValueError(f"distillation must be a number from 0 to 1, but is {distillation!r}.")
