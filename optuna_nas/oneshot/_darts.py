"""``darts``: gradient-based search, as a generator whose parts can be combined freely.

The relaxation, the order of the gradient, a loss on the gates and schedules are arguments, so
that DARTS' kin are calls of one function rather than classes.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from numbers import Integral
from typing import Any
from typing import TypeAlias

import torch
from torch import Tensor

from optuna_nas.oneshot._collapse import Watch
from optuna_nas.oneshot._relaxations import GateLoss
from optuna_nas.oneshot._schedules import paper_schedule
from optuna_nas.oneshot._search import Search
from optuna_nas.oneshot._search_epoch import SearchEpoch
from optuna_nas.oneshot._supernet import check_supernet
from optuna_nas.oneshot._supernet import Supernet
from optuna_nas.training import Data
from optuna_nas.training import resolve_device
from optuna_nas.training._data import load
from optuna_nas.training._epochs import check_epochs
from optuna_nas.training._schedules import Schedule
from optuna_nas.training._scores import Metric
from optuna_nas.training._seeds import check_seed


MakeOptimizer: TypeAlias = Callable[[Iterable[Tensor]], torch.optim.Optimizer]
"""From parameters to their optimizer."""

paper_sgd: MakeOptimizer = partial(torch.optim.SGD, lr=0.025, momentum=0.9, weight_decay=3e-4)
paper_adam: MakeOptimizer = partial(
    torch.optim.Adam, lr=3e-4, betas=(0.5, 0.999), weight_decay=1e-3
)


def darts(
    supernet: Supernet,
    train: Data,
    valid: Data,
    *,
    epochs: int,
    order: int = 1,
    relaxation: Callable[..., Tensor] | None = None,
    temperature: Schedule | None = None,
    gate_loss: GateLoss | None = None,
    warmup: int = 0,
    skip_dropout: Schedule | None = None,
    exclude: Sequence[str] = (),
    weight_optimizer: MakeOptimizer = paper_sgd,
    gate_optimizer: MakeOptimizer = paper_adam,
    schedule: Schedule = paper_schedule,
    clip_norm: float | None = 5.0,
    batch_size: int = 64,
    metric: Metric = None,
    watch: Watch | None = None,
    device: str | torch.device = "auto",
    seed: int | None = None,
    state: Mapping[str, Any] | None = None,
) -> Iterator[SearchEpoch]:
    """Trains a supernet's weights and gates in turn, and yields after each epoch.

    By default it is DARTS of first order (Liu et al. 2019, https://arxiv.org/abs/1806.09055,
    alg. 1) with the paper's optimizers. Losses are cross entropy for classes and mean squared
    error for floats. torch's global RNG is left as it was.

    Example:

        .. code-block:: python

            for epoch in darts(supernet, train, valid, epochs=20):
                print(epoch.epoch, epoch.valid_score, epoch.entropy)
            warm_start(study, supernet.proposals(5))

    Args:
        supernet:
            What to train; it moves to the device.
        train:
            What weights are trained on, as for :class:`Train`.
        valid:
            What gates are trained on, likewise. It is no measure of the outcome.
        epochs:
            How many passes over ``train``, for which the schedules are laid out.
        order:
            1, or 2 for a gradient that looks a step of the weights ahead (DARTS, eqs. 7-8), which
            takes about two and a half times as long.
        relaxation:
            From (logits, k) to the weights of a mixture, such as ``softmax``, ``gumbel`` (GDAS)
            or ``sigmoid`` (Fair DARTS); by default ``supernet.relaxation``.
        temperature:
            From progress in [0, 1] to the relaxation's ``temperature=``; None gives it none.
        gate_loss:
            A function of the gates that is added to the validation loss, such as ``zero_one()``.
        warmup:
            In how many epochs only weights are trained: 15 of 50 in PC-DARTS, 10 of 25 in P-DARTS.
        skip_dropout:
            From progress to the dropout behind options that are an ``nn.Identity`` (P-DARTS).
        exclude:
            Options that are never derived though they are in the mixture: ``("none",)`` in the
            space of DARTS. Whenever an epoch is yielded, they are dropped from the supernet.
        weight_optimizer:
            From parameters to their optimizer.
        gate_optimizer:
            Likewise for the gates.
        schedule:
            From progress to a factor on the weights' learning rates, asked at each epoch.
        clip_norm:
            The largest norm of the weights' gradient, or None.
        batch_size:
            Rows a step; a DataLoader's own wins.
        metric:
            As for :class:`Train`.
        watch:
            What counts as a collapse, and whether to stop early; by default ``Watch()``.
        device:
            As for :class:`Train`.
        seed:
            For order and noise; initial weights are the supernet's. None draws one from torch's
            RNG.
        state:
            From ``state_dict()`` of an epoch of the same search, to go on exactly as it would
            have. Its seed is taken.

    Returns:
        An iterator; what cannot work is refused before the first epoch.

    Raises:
        ValueError:
            If an argument is not what is said above, data have no rows, or the state is of
            another search space; while it runs, if a gate has become NaN.
        FloatingPointError:
            While it runs, if a loss is not finite. The gates are those of the step before.
    """
    check_epochs(epochs)
    check_seed(seed)
    _check(order in (1, 2), "order", order, "1 or 2")
    _check(isinstance(warmup, Integral) and warmup >= 0, "warmup", warmup, "an int of at least 0")
    _check(batch_size >= 1, "batch_size", batch_size, "at least 1")
    _check(clip_norm is None or clip_norm > 0, "clip_norm", clip_norm, "positive or None")
    check_supernet(supernet)
    _check_exclude(supernet, exclude)
    place = resolve_device(device)
    supernet.to(place)
    search = Search(
        supernet=supernet,
        train=load(train, "train").to(place),
        valid=load(valid, "valid").to(place),
        epochs=epochs,
        order=order,
        relaxation=supernet.relaxation if relaxation is None else relaxation,
        temperature=temperature,
        gate_loss=gate_loss,
        warmup=warmup,
        skip_dropout=skip_dropout,
        exclude=tuple(exclude),
        weight_optimizer=weight_optimizer([w for w in supernet.weights() if w.requires_grad]),
        gate_optimizer=gate_optimizer(supernet.architecture_parameters()),
        schedule=schedule,
        clip_norm=clip_norm,
        batch_size=batch_size,
        metric=metric,
        watch=Watch() if watch is None else watch,
        device=place,
        seed=int(torch.randint(2**31, ())) if seed is None else seed,
    )
    if state is not None:
        search.load_state_dict(state)
    return search.run()


def _check(legal: bool, name: str, value: Any, expected: str) -> None:
    if not legal:
        raise ValueError(f"{name} must be {expected}, but is {value!r}.")


def _check_exclude(supernet: Supernet, exclude: Sequence[str]) -> None:
    if isinstance(exclude, str):
        raise TypeError(f"exclude must be a list of options: [{exclude!r}].")
    known = {label for gate in supernet.decisions.values() for label in gate.labels}
    for label in exclude:
        if label not in known:
            raise ValueError(
                f"exclude has {label!r}, but no decision of this supernet has such an option."
            )
