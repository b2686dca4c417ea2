"""``fit``: trains a network to the end, without validation, as the winner of a search deserves."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from optuna_nas.training._data import Data
from optuna_nas.training._device import resolve_device
from optuna_nas.training._epochs import check_epochs
from optuna_nas.training._epochs import train_epochs
from optuna_nas.training._recipe import default_recipe
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._seeds import check_seed
from optuna_nas.training._seeds import generator_for


def fit(
    module: nn.Module,
    train: Data,
    *,
    epochs: int,
    recipe: MakeRecipe = default_recipe,
    trial: Any = None,
    seed: int | None = None,
    device: str | torch.device = "auto",
) -> list[float]:
    """Trains a network in place, for instance the winner on train and valid together.

    Args:
        module:
            What to train. It moves to the device, and is left in eval mode.
        train:
            A pair (X, y), a Dataset or a DataLoader.
        epochs:
            How many.
        recipe:
            As for :class:`Train`.
        trial:
            What answers the recipe: ``SampledTrial(FixedTrial(params))``, with the params of the
            trial that won. None if it asks nothing.
        seed:
            For order and augmentation; None draws from torch's global generator.
        device:
            As for :class:`Train`.

    Returns:
        The training loss of each epoch.

    Raises:
        Rejected:
            If the loss is not finite, or if there is nothing to train.
    """
    check_epochs(epochs)
    check_seed(seed)
    device = resolve_device(device)
    made = make_recipe(recipe, _Unanswered() if trial is None else trial, module.to(device))
    history = train_epochs(
        module, train, recipe=made, epochs=epochs, generator=generator_for(seed), device=device
    )
    losses = [epoch.loss for epoch in history]
    module.eval()
    return losses


class _Unanswered:
    def __getattr__(self, question: str) -> Any:
        raise ValueError(
            f"The recipe asks the trial ({question}), but fit got none: give it "
            "trial=optuna_nas.SampledTrial(optuna.trial.FixedTrial(params)), with the params of "
            "the trial that won."
        )
