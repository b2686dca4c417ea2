"""``train_once_for_all``: progressive shrinking, as a generator over epochs."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import torch

from optuna_nas.oneshot._once_for_all import OnceForAll
from optuna_nas.oneshot._path_epochs import answers_of
from optuna_nas.oneshot._path_epochs import loaded
from optuna_nas.oneshot._phases import epochs_of
from optuna_nas.oneshot._phases import phases_of
from optuna_nas.oneshot._shrinking import OnceForAllEpoch
from optuna_nas.oneshot._shrinking import Shrinking
from optuna_nas.training import default_recipe
from optuna_nas.training import resolve_device
from optuna_nas.training._data import Data
from optuna_nas.training._recipe import make_recipe
from optuna_nas.training._recipe import MakeRecipe
from optuna_nas.training._seeds import check_seed


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
            it was after the first phase; for classes ``[n, ...]`` its outputs ``[n, C, ...]`` give
            soft targets, and for floats the squared error of outputs is taken. The paper's 1 to 1
            is 0.5.
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
            If ``supernet`` is no :class:`OnceForAll`, the data are of a kind that cannot be
            trained on, or the network gives no tensor where channels are sorted or distilled.
        ValueError:
            If an argument is not what is said above, a pattern means no open decision, data have
            no rows, outputs do not fit them or the teacher's share, or the state is of another
            search space, of other phases or of the last epoch.
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
    training = Shrinking(
        supernet=supernet,
        rows=rows,
        recipe=lambda: make_recipe(recipe, answers, supernet),
        phases=((), *opening),
        epochs=lengths,
        paths=paths,
        distillation=distillation,
        seed=int(torch.randint(2**31, ())) if seed is None else seed,
    )
    training.rehearse()
    if state is not None:
        training.load_state_dict(state)
    return training.run()


def _check_numbers(paths: Any, distillation: Any) -> None:
    if isinstance(paths, bool) or not isinstance(paths, int) or paths < 1:
        raise ValueError(f"paths must be an int of at least 1, but is {paths!r}.")
    if (
        isinstance(distillation, bool)
        or not isinstance(distillation, int | float)
        or not 0 <= distillation <= 1
    ):
        raise ValueError(f"distillation must be a number from 0 to 1, but is {distillation!r}.")
