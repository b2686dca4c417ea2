"""The searches, from images to an architecture. None of them sees the table.

By gradient: DARTS (Liu et al. 2019), GDAS (Dong & Yang 2019), FairDARTS (Chu et al. 2020) and
PC-DARTS (Xu et al. 2020), each a call of ``oneshot.darts``. By paths: single-path one-shot (Guo
et al. 2020), whose supernet an evolution searches. The recommended route goes on from there::

    drop "none", as DARTS derives none        4,096 architectures are left
    train a supernet, one path a batch
    evolve paths, scored with statistics of their own
    train the best of them alone, for a few epochs, and take the best of these
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from images import augment
from images import Images
import optuna
from partial_cells import PartialNASBench201
from sizes import Size
from table import EDGES
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import oneshot
from optuna_nas import ops
from optuna_nas import spaces
from optuna_nas import Supernet
from optuna_nas import Train
from optuna_nas import warm_start
from optuna_nas.training import cosine
from optuna_nas.training import Recipe


OPERATIONS = tuple(ops.nasbench201_operations(1))
RECALIBRATION = 10  # batches


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Args:
        params:
            The architecture.
        parameter_free:
            The share of its operations that have no parameters.
        collapsed:
            Why the search counts as collapsed in the end, or "".
        fired:
            In how many epochs it did; 0 where nothing is derived before the end.
    """

    params: dict[str, Any]
    parameter_free: float
    collapsed: str
    fired: int


Method = Callable[[Images, Size, int, str], Found]
"""From images, a size, a seed and a device."""


def by_gradient(
    images: Images,
    size: Size,
    seed: int,
    device: str,
    *,
    epochs: Callable[[Size], int] = lambda size: size.gradient_epochs,
    network: Callable[..., Any] = spaces.NASBench201,
    warmup: float = 0.0,
    **arguments: Any,
) -> Found:
    """A search by ``oneshot.darts``; warmup is a share of its epochs, other arguments are its."""
    torch.manual_seed(seed)
    supernet = Supernet(network(channels=size.channels, cells=size.cells))
    fired = 0
    for epoch in oneshot.darts(
        supernet,
        *images,
        epochs=epochs(size),
        warmup=round(warmup * epochs(size)),
        batch_size=size.batch,
        device=device,
        seed=seed,
        **arguments,
    ):
        fired += epoch.collapsed is not None
    return Found(epoch.params, epoch.parameter_free or 0.0, epoch.collapsed or "", fired)


def single_path(images: Images, size: Size, seed: int, device: str) -> Found:
    """The path that scores best in the supernet."""
    supernet = path_supernet(images, size, seed, device)
    return _found(supernet, best_paths(supernet, images, size, seed, OPERATIONS)[0])


def recommended(images: Images, size: Size, seed: int, device: str) -> Found:
    """Of the paths that score best, the one that does when trained alone."""
    supernet = path_supernet(images, size, seed, device, dropped=("none",))
    operations = [name for name in OPERATIONS if name != "none"]
    paths = best_paths(supernet, images, size, seed, operations)[: size.finalists]
    study = create_study(direction="maximize", pruner=None, seed=seed)
    warm_start(study, paths)
    train = Train(
        *images, epochs=size.final_epochs, recipe=partial(recipe, batch=size.batch), device=device
    )
    study.optimize(Objective(_network(size), train), n_trials=len(paths))
    return _found(supernet, study.best_params)


def path_supernet(
    images: Images, size: Size, seed: int, device: str, dropped: tuple[str, ...] = ()
) -> Supernet:
    """A supernet whose weights are trained path by path, without the operations dropped."""
    torch.manual_seed(seed)
    supernet = Supernet(_network(size))
    for edge in EDGES:
        supernet.drop(edge, *dropped)
    for _ in oneshot.train_supernet(
        supernet,
        images.train,
        epochs=size.path_epochs,
        recipe=partial(recipe, batch=size.batch),
        seed=seed,
        device=device,
    ):
        pass
    return supernet


def best_paths(
    supernet: Supernet, images: Images, size: Size, seed: int, operations: Any
) -> list[dict[str, Any]]:
    """The paths that an evolution has scored, best first."""
    batches = images.train[0].split(size.batch)[:RECALIBRATION]
    score = oneshot.OneShot(supernet, images.valid, recalibrate=batches, batch_size=500)

    def objective(trial: optuna.Trial) -> float:
        for edge in EDGES:
            trial.suggest_categorical(edge, operations)
        return score(supernet, trial)

    study = create_study(direction="maximize", pruner=None, seed=seed)
    study.optimize(objective, n_trials=size.evaluations)
    ranked = sorted(study.trials, key=lambda trial: -trial.value)
    return [trial.params for trial in ranked]


def recipe(trial: Any, module: nn.Module, batch: int) -> Recipe:
    """As the table's networks were trained, with a rate in proportion to the batch."""
    sgd = torch.optim.SGD(
        module.parameters(), lr=0.1 * batch / 256, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    return Recipe(sgd, batch_size=batch, schedule=cosine(), augment=augment, clip_norm=5.0)


def _network(size: Size) -> spaces.NASBench201:
    return spaces.NASBench201(channels=size.channels, cells=size.cells)


def _found(supernet: Supernet, params: Mapping[str, Any]) -> Found:
    share = oneshot.parameter_free_share(supernet, params) or 0.0
    return Found(dict(params), share, oneshot.Watch().simpler(share) or "", 0)


METHODS: Mapping[str, Method] = {
    "darts": by_gradient,
    "gdas": partial(
        by_gradient,
        epochs=lambda size: size.sampled_epochs,
        relaxation=oneshot.gumbel,
        temperature=oneshot.linear(10, 0.1),
    ),
    "fair_darts": partial(by_gradient, relaxation=oneshot.sigmoid, gate_loss=oneshot.zero_one()),
    "pc_darts": partial(by_gradient, network=PartialNASBench201, warmup=0.3),
    "single_path": single_path,
    "recommended": recommended,
}
