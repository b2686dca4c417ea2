"""The search of an estimator: a study whose first trial is the hand-made network."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from copy import deepcopy
from itertools import islice
from typing import Any
from uuid import uuid4

import optuna
from optuna.trial import TrialState
import torch

from optuna_nas import metrics
from optuna_nas._estimator._held_out import HeldOut
from optuna_nas._estimator._together import run_together
from optuna_nas.space import Network
from optuna_nas.study import create_study
from optuna_nas.study import Objective
from optuna_nas.training import resolve_device


DEFAULT, PORTFOLIO = "default", "portfolio"
"""The origins of the first trial and of those after it, in their user attr ``origin``."""


def make_objective(
    network: Network,
    held_out: HeldOut,
    names: tuple[str, ...],
    device: str | torch.device,
) -> Objective:
    """The objective: the score, and what else is asked for.

    Args:
        network:
            The search space.
        held_out:
            What trains and scores.
        names:
            ``"score"``, and others.
        device:
            Where latency is measured.
    """
    example = held_out.example
    costs: dict[str, Callable[[], metrics.Metric]] = {
        "latency": lambda: metrics.Latency(example[:1], device=str(resolve_device(device))),
        "parameters": metrics.Parameters,
        "flops": lambda: metrics.Flops(example[:1]),
    }
    return Objective(network, held_out, *(costs[name]() for name in names[1:]))


def begin(estimator: Any, objectives: int, seed: int, default: Mapping[str, Any]) -> optuna.Study:
    """A new study, with the hand-made network as its first trial.

    Args:
        estimator:
            With ``sampler``, ``pruner`` and ``storage``.
        objectives:
            How many.
        seed:
            The study's.
        default:
            The params of this network and its training; those that nobody asks do not matter.
    """
    name = f"{type(estimator).__name__}-{uuid4().hex[:12]}"
    directions: list[Any] = ["maximize", *["minimize"] * (objectives - 1)]
    study = create_study(
        sampler=deepcopy(estimator.sampler),
        pruner=deepcopy(estimator.pruner),
        directions=directions,
        storage=estimator.storage,
        study_name=None if estimator.storage is None else name,
        seed=seed,
    )
    study.enqueue_trial(dict(default), user_attrs={"origin": DEFAULT})
    return study


def run(
    study: optuna.Study,
    objective: Objective,
    held_out: HeldOut,
    n_trials: int | None,
    jobs: int,
    portfolio: Sequence[Mapping[str, Any]],
    step: Callable[[optuna.Study, optuna.trial.FrozenTrial], None] | None,
) -> optuna.Study:
    """Runs trials until there are enough or the time is over; one in any case.

    Args:
        study:
            A new or a former one.
        objective:
            What a trial is.
        n_trials:
            How many more; None for as many as the time allows.
        held_out:
            Its first evaluator, which knows the time.
        jobs:
            In how many processes.
        portfolio:
            Params to try after the first trial, one after the other.
        step:
            Called after each, or None.

    Returns:
        The study; with several processes it may be another object.

    Raises:
        ValueError:
            If no trial of the study could be trained.
    """

    others = iter(portfolio if n_trials is None else portfolio[: n_trials - 1])

    def enqueue(study: optuna.Study, count: int) -> None:
        for params in islice(others, count):
            study.enqueue_trial(dict(params), user_attrs={"origin": PORTFOLIO})

    def go_on(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if held_out.clock.is_over():
            study.stop()
        else:
            enqueue(study, 1)
        if step is not None:
            step(study, trial)

    if jobs == 1:
        study.optimize(objective, n_trials=n_trials, callbacks=[go_on])
    else:
        enqueue(study, jobs - 1)
        study = run_together(study, objective, held_out, n_trials, jobs, go_on)
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        *_, last = study.get_trials(deepcopy=False)
        raise ValueError(
            f"none of {len(study.trials)} networks could be trained; the last was rejected: "
            f"{last.user_attrs.get('rejected', 'it was pruned')}."
        )
    return study


def history(study: optuna.Study) -> list[dict[str, Any]]:
    """A row for each trial, in their order.

    Args:
        study:
            The search.
    """
    return [
        {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "score": trial.values[0] if trial.values else None,
            "values": list(trial.values) if trial.values else None,
            "seconds": trial.user_attrs.get("seconds"),
            "epochs": trial.user_attrs.get("epochs"),
            "rejected": trial.user_attrs.get("rejected"),
            "params": dict(trial.params),
        }
        for trial in study.get_trials(deepcopy=False)
        if trial.state.is_finished()
    ]


@contextmanager
def silent() -> Iterator[None]:
    """Optuna's log is, until all is over: there is a bar for those who want to see something."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(verbosity)
