"""``Recipe``: how to train. A recipe is made by a function of (trial, module), so that any part of
it can be a decision of the same trial."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

import torch
from torch import nn

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas.training._augment import Augment
from optuna_nas.training._losses import Loss
from optuna_nas.training._rejected import Rejected
from optuna_nas.training._schedules import constant
from optuna_nas.training._schedules import cosine
from optuna_nas.training._schedules import Schedule


LR = 1e-2
WEIGHT_DECAY = 0.05
WARMUP = 0.1
LABEL_SMOOTHING = 0.1


@dataclass(frozen=True)
class Recipe:
    """How to train one module.

    Args:
        optimizer:
            Built on ``module.parameters()``; its learning rates are the initial ones.
        loss:
            A function of (outputs, targets). None is cross entropy for classes and mean squared
            error for floats, and checks that the outputs' shape fits.
        label_smoothing:
            With the cross entropy above, the share of each target that is spread over all classes.
        batch_size:
            Rows a step; a DataLoader's own wins.
        schedule:
            From progress in [0, 1] to a factor on the initial learning rates, asked at each step.
        augment:
            A function of (inputs, generator) that changes training batches, or None.
        clip_norm:
            The largest norm of the gradient of what the optimizer holds, or None.

    Raises:
        ValueError:
            If ``label_smoothing`` is not in [0, 1), or ``batch_size`` or ``clip_norm`` is not
            positive.
    """

    optimizer: torch.optim.Optimizer
    loss: Loss | None = None
    label_smoothing: float = 0.0
    batch_size: int = 64
    schedule: Schedule = constant
    augment: Augment | None = None
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        checked_float("label_smoothing", self.label_smoothing, least=0, below=1)
        checked_int("batch_size", self.batch_size, 1)
        if self.clip_norm is not None:
            checked_float("clip_norm", self.clip_norm, above=0, otherwise=", or None")


MakeRecipe: TypeAlias = Callable[[Any, nn.Module], Recipe]
"""A function of (trial, module)."""


def default_recipe(trial: Any, module: nn.Module, *, augment: Augment | None = None) -> Recipe:
    """What does well on small tables and small images in few epochs: AdamW, a warm-up, a cosine,
    labels smoothed a little.

    To augment images, give ``functools.partial(default_recipe, augment=random_shift(2))``.

    Args:
        trial:
            Asked for nothing.
        module:
            What to train, on its device.
        augment:
            As in :class:`Recipe`.
    """
    optimizer = adamw(module.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    return Recipe(
        optimizer,
        label_smoothing=LABEL_SMOOTHING,
        schedule=cosine(warmup=WARMUP),
        augment=augment,
    )


def tuned_recipe(trial: Any, module: nn.Module, *, augment: Augment | None = None) -> Recipe:
    """The default recipe with its numbers asked of the trial, together with the architecture.

    Asks ``lr``, ``weight_decay`` and ``batch_size``.

    Args:
        trial:
            Asked for the numbers above.
        module:
            What to train, on its device.
        augment:
            As in :class:`Recipe`.
    """
    optimizer = adamw(
        module.parameters(),
        lr=trial.suggest_float("lr", 1e-3, 3e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-4, 1.0, log=True),
    )
    return Recipe(
        optimizer,
        label_smoothing=LABEL_SMOOTHING,
        batch_size=trial.suggest_categorical("batch_size", [32, 64, 128]),
        schedule=cosine(warmup=WARMUP),
        augment=augment,
    )


def adamw(
    parameters: Iterable[nn.Parameter], *, lr: float, weight_decay: float
) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019), fused where torch can, which is several times faster.

    Args:
        parameters:
            What to train, on its device.
        lr:
            The initial learning rate.
        weight_decay:
            The share of ``lr`` by which weights shrink at each step.
    """
    parameters = list(parameters)
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)
    return torch.optim.AdamW(parameters, lr=lr, weight_decay=weight_decay, fused=fused)


def make_recipe(recipe: MakeRecipe, trial: Any, module: nn.Module) -> Recipe:
    """Asks for the recipe, and checks what came.

    Args:
        recipe:
            A function of (trial, module).
        trial:
            What the recipe may ask.
        module:
            What to train, on its device.

    Raises:
        Rejected:
            If the module has nothing to train.
        TypeError:
            If the function gave no :class:`Recipe`.
    """
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise Rejected("nothing to train: the network has no parameters that take a gradient")
    made = recipe(trial, module)
    if not isinstance(made, Recipe):
        raise TypeError(
            f"recipe must give a Recipe, but gave {type(made).__name__}: it is a function of "
            "(trial, module) that returns optuna_nas.training.Recipe(optimizer, ...)."
        )
    return made
