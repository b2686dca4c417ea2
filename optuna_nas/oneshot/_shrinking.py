"""``Shrinking``: the state of progressive shrinking, and its phases.

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

from optuna_nas.oneshot._distillation import check_taught
from optuna_nas.oneshot._distillation import taught_loss
from optuna_nas.oneshot._once_for_all import OnceForAll
from optuna_nas.oneshot._one_shot import device_of
from optuna_nas.oneshot._path_epochs import check_current
from optuna_nas.oneshot._path_epochs import check_finite
from optuna_nas.oneshot._path_epochs import PathEpochs
from optuna_nas.oneshot._path_epochs import randomness_of
from optuna_nas.oneshot._path_epochs import task_loss
from optuna_nas.oneshot._paths import Params
from optuna_nas.training import Recipe
from optuna_nas.training._data import Batch
from optuna_nas.training._data import Rows
from optuna_nas.training._losses import check_outputs


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
    _training: Shrinking = field(repr=False, compare=False)

    def state_dict(self) -> dict[str, Any]:
        """Returns a copy of all that is needed to go on after this epoch, as ``state``.

        Raises:
            ValueError:
                If the training has gone on since.
        """
        check_current(self._training.number, self.epoch)
        return self._training.state_dict()


@dataclass
class Shrinking:
    """A training between two epochs. The arguments are those of the function, checked."""

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
        self.supernet.sort_channels(self.two_rows().inputs, fixed=self.opened(phase - 1))
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

    def rehearse(self) -> None:
        """Tries out on two rows what the later phases need, so that the first is not lost."""
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            batch = self.two_rows()
            taught = self.frozen()(batch.inputs.to(device_of(self.supernet)))
            if self.loop.recipe.loss is None:
                check_outputs(taught, batch.targets, batch.bounds)
            if self.distillation > 0:
                check_taught(taught, batch.targets)
            self.supernet._sortable((batch.inputs,), fixed=())

    def two_rows(self) -> Batch:
        peeked = self.rows.peek()
        if peeked is not None:
            return peeked
        for batch in self.rows.batches(2):
            return Batch(batch.inputs[:2], batch.targets[:2], batch.bounds)
        raise ValueError("train gave no batches: drop_last with fewer rows than a batch?")

    def loss_of(self, recipe: Recipe, batch: Batch) -> Callable[[Tensor], Tensor]:
        """The loss of outputs, of which the teacher has its share."""
        task, share = task_loss(recipe, batch), self.distillation
        if self.teacher is None or share == 0:
            return task
        with torch.no_grad():
            taught = self.teacher(batch.inputs)

        def loss(outputs: Tensor) -> Tensor:
            return torch.lerp(task(outputs), taught_loss(outputs, taught, batch.targets), share)

        return loss

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
        last = sum(self.epochs)
        if state["epoch"] >= last:
            raise ValueError(
                f"state is of epoch {state['epoch']}, the last one of {last}, so there is nothing "
                "to go on with: the supernet of that state is trained. Load it by "
                "supernet.load_state_dict(state['supernet'])."
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
