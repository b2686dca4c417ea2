"""Who searches, each by the name it has in the tables: from a problem to what it asked."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import plain
from problem import EPOCHS
from problem import network
from problem import Params
from problem import Problem
from problem import Score
import torch

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import oneshot
from optuna_nas import Supernet
from optuna_nas import warm_start
from optuna_nas.samplers import PredictorSampler


EVALUATIONS = 50
PROPOSALS = 5
BATCH = 200

# A training passes each row through a network once an epoch. So does the plain supernet; ours
# passes another batch, of validation rows, for the gates.
PLAIN_COST, COST = 1, 2


@dataclass(frozen=True)
class Search:
    """What a search asked for.

    Args:
        asked:
            In order; None is the share of a supernet's training that costs as much as one.
        seconds:
            The supernet's training; None without one.
    """

    asked: list[Score | None]
    seconds: float | None = None


def by_study(problem: Problem, sampler: str) -> Search:
    return Search(studied(problem, sampler, EVALUATIONS))


def studied(
    problem: Problem, sampler: str, evaluations: int, proposals: Iterable[Params] = ()
) -> list[Score | None]:
    """The scores of a study's trials."""
    study = create_study(
        sampler=as_measured(problem) if sampler == "predictor" else sampler,
        pruner=None,
        direction="minimize",
        seed=problem.seed,
    )
    warm_start(study, proposals)
    study.optimize(Objective(network, problem), n_trials=evaluations)
    return [problem.score(trial.params) for trial in study.get_trials(deepcopy=False)]


def as_measured(problem: Problem) -> PredictorSampler:
    """With what was its default at the time."""
    return PredictorSampler(n_initial=10, seed=problem.seed)


def searched(problem: Problem) -> tuple[Supernet, float]:
    """A supernet of depth and activation whose gates are trained, and the seconds it took.

    Width and dropout cannot be mixed, so they are given; batches are of a quarter of the rows.
    """
    started = perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(problem.seed)
        values = {name: plain.MIDDLE[name] for name in ("width", "dropout")}
        supernet = Supernet(network, values=values)
    for _ in oneshot.darts(
        supernet,
        problem.train,
        problem.valid,
        epochs=EPOCHS,
        batch_size=BATCH,
        weight_optimizer=partial(torch.optim.Adam, lr=0.01),
        gate_optimizer=partial(torch.optim.Adam, lr=0.03),
        metric="mse",
        seed=problem.seed,
    ):
        pass
    return supernet, perf_counter() - started


def gradients(problem: Problem, *, inherited: bool) -> Search:
    """What the gates derive, trained with torch's Adam, with new weights or the supernet's."""
    supernet, seconds = searched(problem)
    derived = supernet.params()
    params = {**plain.MIDDLE, **derived}
    if inherited:
        found = problem.fitted(supernet.derive(derived), params)
    else:
        found = problem.score(params)
    return Search([*[None] * COST, found], seconds)


def gradients_and_study(problem: Problem, sampler: str) -> Search:
    """What the gates propose warm-starts a study, which has the rest of the budget."""
    supernet, seconds = searched(problem)
    proposals = supernet.proposals(PROPOSALS)
    found = studied(problem, sampler, EVALUATIONS - COST, proposals)
    return Search([*[None] * COST, *found], seconds)


def plain_supernet(problem: Problem, *, rest: bool) -> Search:
    """What it derives; then, if so said, random search over what it leaves open."""
    started = perf_counter()
    derived = plain.supernet(problem)
    seconds = perf_counter() - started
    asked: list[Score | None] = [*[None] * PLAIN_COST, problem.score(derived)]
    rng = np.random.default_rng(problem.seed)
    fixed: Mapping[str, Any] = {name: derived[name] for name in ("depth", "activation")}
    while rest and len(asked) < EVALUATIONS:
        asked.append(problem.score(plain.drawn(rng, fixed)))
    return Search(asked, seconds)


def by_plain(problem: Problem, algorithm: Callable[[Problem, int], list[Score]]) -> Search:
    return Search([*algorithm(problem, EVALUATIONS)])


METHODS: Mapping[str, Callable[[Problem], Search]] = {
    "random": partial(by_study, sampler="random"),
    "TPE": partial(by_study, sampler="tpe"),
    "evolution": partial(by_study, sampler="regularized_evolution"),
    "plain evolution": partial(by_plain, algorithm=plain.evolution),
    "controller": partial(by_study, sampler="reinforce"),
    "plain REINFORCE": partial(by_plain, algorithm=plain.reinforce),
    "local search": partial(by_study, sampler="local_search"),
    "gradients": partial(gradients, inherited=False),
    "gradients, weights kept": partial(gradients, inherited=True),
    "plain supernet": partial(plain_supernet, rest=False),
    "gradients, then evolution": partial(gradients_and_study, sampler="regularized_evolution"),
    "plain supernet, then random": partial(plain_supernet, rest=True),
    "predictor": partial(by_study, sampler="predictor"),
    "gradients, then predictor": partial(gradients_and_study, sampler="predictor"),
}
