"""What a study begins with: the network made by hand, and what a short DARTS proposes."""

from __future__ import annotations

from typing import Any

import optuna
import torch

from optuna_nas._cli._errors import bad_input
from optuna_nas._cli._errors import BadInput
from optuna_nas._cli._options import Options
from optuna_nas._cli._progress import Step
from optuna_nas._cli._setup import Setup
from optuna_nas._cli._space import first_choices
from optuna_nas.oneshot import darts
from optuna_nas.oneshot import Supernet
from optuna_nas.study import seeded
from optuna_nas.study import warm_start


PROPOSALS = 5


def begin_by_hand(study: optuna.Study, setup: Setup) -> None:
    """Makes the network made by hand the first trial, unless the study has it.

    Args:
        study:
            Of the search.
        setup:
            What is searched.
    """
    if setup.space.default_params:
        warm_start(study, [setup.space.default_params], user_attrs={"origin": "default"})


def make_supernet(setup: Setup) -> Supernet:
    """All candidates in one network; numbers are those of the network made by hand, or lowest.

    Args:
        setup:
            What is searched.

    Raises:
        BadInput:
            If the space has no decision that gradients could take.
    """
    with seeded(setup.options.seed):
        try:
            return Supernet(setup.space.network, first_choices(setup.space.default_params))
        except ValueError as error:
            raise BadInput(
                f"--warm-start darts is not for --space {_name(setup.options, setup)}: {error}"
            ) from None


def begin_with_darts(
    study: optuna.Study, setup: Setup, supernet: Supernet, step: Step
) -> list[dict[str, Any]]:
    """Trains the supernet for as long as a candidate, and enqueues what it proposes.

    Weights are trained on one half of the training part and gates on the other, so that the
    validation part stays unseen (Liu et al. 2019, https://arxiv.org/abs/1806.09055, sec. 3).

    Args:
        study:
            Of the search.
        setup:
            What is searched.
        supernet:
            As :func:`make_supernet` gives it.
        step:
            Told after each epoch.

    Raises:
        BadInput:
            If the training diverges.
    """
    options, (x, y) = setup.options, setup.data.train
    generator = torch.Generator().manual_seed(options.seed)
    halves = torch.randperm(len(y), generator=generator).chunk(2)
    weights, gates = ((x[half], y[half]) for half in halves)
    with bad_input((ValueError, FloatingPointError), before="--warm-start darts: "):
        epochs = darts(
            supernet,
            weights,
            gates,
            epochs=setup.epochs,
            device=options.device,
            seed=options.seed,
        )
        for done, _ in enumerate(epochs, 1):
            step(done, "")
    proposals = supernet.proposals(PROPOSALS)
    warm_start(study, proposals, user_attrs={"origin": "darts"})
    return proposals


def _name(options: Options, setup: Setup) -> str:
    return options.space or setup.data.space
