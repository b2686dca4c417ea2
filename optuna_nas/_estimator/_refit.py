"""Candidates as modules again: with the weights that were scored, or trained on all rows."""

from __future__ import annotations

from itertools import islice
import math

import numpy as np
from optuna.trial import FixedTrial
from optuna.trial import FrozenTrial
from torch import nn
from torch import Tensor

from optuna_nas._estimator._averaged import Averaged
from optuna_nas._estimator._candidate import Candidate
from optuna_nas._estimator._clock import OutOfTime
from optuna_nas._estimator._held_out import Settings
from optuna_nas.space import build
from optuna_nas.space import Network
from optuna_nas.study import seeded
from optuna_nas.training import generator_for
from optuna_nas.training import Rejected
from optuna_nas.training import resolve_device
from optuna_nas.training import train_epochs


def as_scored(
    network: Network, trial: FrozenTrial, candidate: Candidate, classes: bool
) -> nn.Module:
    """The network of a candidate as it was scored; of several folds, the mean of their networks.

    Args:
        network:
            The search space.
        trial:
            The candidate's.
        candidate:
            Its weights.
        classes:
            Whether outputs are for classes.
    """
    modules = []
    for fold in candidate.folds:
        with seeded(0):
            module = build(network, trial)
        module.load_state_dict(fold.state)
        modules.append(module.eval())
    return modules[0] if len(modules) == 1 else Averaged(modules, classes=classes).eval()


def refit(
    network: Network,
    trial: FrozenTrial,
    candidate: Candidate,
    data: tuple[Tensor, Tensor],
    settings: Settings,
    seconds: float = math.inf,
) -> nn.Module | None:
    """The network of a candidate from fresh weights, trained on all rows.

    It takes as many epochs as were best before, of a schedule that spans what it spanned.

    Args:
        network:
            The search space.
        trial:
            The candidate's.
        candidate:
            For its epochs.
        data:
            Inputs and targets.
        settings:
            How to train.
        seconds:
            How many there are.

    Returns:
        The network on the CPU, in eval mode; None if the seconds did not suffice, or the loss was
        not finite.
    """
    stop, span = candidate.epochs
    rows = len(data[0])
    seed = np.random.SeedSequence((settings.seed, trial.number)).generate_state(1)[0]
    with seeded(int(seed)):
        module = build(network, trial).to(resolve_device(settings.device))
        epochs = train_epochs(
            module,
            data,
            recipe=settings.recipe(rows, seconds)(FixedTrial(trial.params), module),
            epochs=span,
            generator=generator_for(settings.seed, trial.number),
            device=settings.device,
        )
        try:
            for _ in islice(epochs, stop):
                pass
        except (OutOfTime, Rejected):
            return None
    return module.cpu().eval()
