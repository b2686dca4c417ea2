"""Who proposes: a sampler, and for the warm methods a supernet that is trained first.

A method is a function of (network, parts, seed) that gives a study which has not begun, and what
it has cost so far.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import process_time

from candidate import FORWARD_AND_BACK
from data import Parts
from data import TRAIN
from data import VALID
import optuna
from space import Cells
import torch
from torch import nn
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from optuna_nas import build
from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import oneshot
from optuna_nas import Supernet
from optuna_nas import warm_start


DATASETS: Mapping[str, Cells] = {"digits": Cells(patch=1), "USPS": Cells(patch=2)}

PROPOSALS = 5
DARTS_EPOCHS = 20
PATH_EPOCHS = 40
PATHS = 60
RECALIBRATION = 256


@dataclass(frozen=True)
class Cost:
    """What was spent before the first trial.

    Args:
        seconds:
            Of CPU time.
        passes:
            Forward passes of one image; forward and back counts as three.
        flops:
            Their floating-point operations.
    """

    seconds: float = 0.0
    passes: float = 0.0
    flops: float = 0.0


Method = Callable[[Cells, Parts, int], tuple[optuna.Study, Cost]]


def cold(network: Cells, parts: Parts, seed: int, *, sampler: str) -> tuple[optuna.Study, Cost]:
    """The sampler alone. No pruner, so that all trials cost the same number of passes."""
    study = create_study(sampler=sampler, pruner=None, direction="maximize", seed=seed)
    return study, Cost()


def warm_by_darts(network: Cells, parts: Parts, seed: int) -> tuple[optuna.Study, Cost]:
    """DARTS of first order, with the rates that its page in the docs has for small data."""
    start = process_time()
    torch.manual_seed(seed)
    supernet = Supernet(network)
    for _ in oneshot.darts(
        supernet,
        parts.train,
        parts.valid,
        epochs=DARTS_EPOCHS,
        exclude=["none"],
        weight_optimizer=partial(torch.optim.SGD, lr=0.2, momentum=0.9),
        gate_optimizer=partial(torch.optim.Adam, lr=0.03),
        device="cpu",
        seed=seed,
    ):
        pass
    study, _ = cold(network, parts, seed, sampler="regularized_evolution")
    warm_start(study, supernet.proposals(PROPOSALS), user_attrs={"origin": "darts"})
    seconds = process_time() - start
    # An epoch: weights on train, gates on as much of valid, and a look at all of valid.
    passes = DARTS_EPOCHS * (2 * FORWARD_AND_BACK * TRAIN + VALID)
    return study, Cost(seconds, passes, passes * flops(supernet, parts.train[0]))


def warm_by_paths(network: Cells, parts: Parts, seed: int) -> tuple[optuna.Study, Cost]:
    """A supernet trained path by path, and the best of the paths that a study of it scored."""
    start = process_time()
    torch.manual_seed(seed)
    supernet = Supernet(network)
    for _ in oneshot.train_supernet(
        supernet, parts.train, epochs=PATH_EPOCHS, device="cpu", seed=seed
    ):
        pass
    batch = parts.train[0][:RECALIBRATION]
    scores = oneshot.OneShot(supernet, parts.valid, recalibrate=[batch])
    paths, _ = cold(network, parts, seed, sampler="regularized_evolution")
    paths.optimize(Objective(network, scores), n_trials=PATHS)
    study, _ = cold(network, parts, seed, sampler="regularized_evolution")
    best = sorted(paths.trials, key=lambda trial: -trial.value)[:PROPOSALS]
    warm_start(study, [trial.params for trial in best], user_attrs={"origin": "one-shot"})
    seconds = process_time() - start
    passes = PATH_EPOCHS * FORWARD_AND_BACK * TRAIN + PATHS * (RECALIBRATION + VALID)
    return study, Cost(seconds, passes, passes * flops_of_a_path(network, supernet, parts))


def flops(module: nn.Module, images: Tensor) -> float:
    """Of a forward pass of one image, also through a mixture, which must not be on meta."""
    counter = FlopCounterMode(display=False)
    module.eval()
    with torch.no_grad(), counter:
        module(images[:1])
    return float(counter.get_total_flops())


def flops_of_a_path(network: Cells, supernet: Supernet, parts: Parts) -> float:
    """The mean over all paths, by arithmetic: each edge takes each option equally often."""
    images = parts.train[0]
    options = {name: len(gate.labels) for name, gate in supernet.decisions.items()}
    around = flops(build(network, dict.fromkeys(options, "none")), images)
    return around + (flops(supernet, images) - around) / next(iter(options.values()))


METHODS: Mapping[str, Method] = {
    "random": partial(cold, sampler="random"),
    "cold": partial(cold, sampler="regularized_evolution"),
    "warm (DARTS)": warm_by_darts,
    "warm (one-shot)": warm_by_paths,
}
