"""Checks of an estimator's arguments, which scikit-learn wants in ``fit`` rather than before."""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral
from typing import Any

from joblib import effective_n_jobs
import numpy as np
from optuna.storages import InMemoryStorage
from sklearn.utils import check_random_state

from optuna_nas._arguments import checked_float
from optuna_nas._arguments import checked_int
from optuna_nas._estimator._spaces import check_space
from optuna_nas.training import resolve_device


IN_MEMORY = ("sqlite://", "sqlite:///:memory:")
COSTS = ("latency", "parameters", "flops")


def check_arguments(estimator: Any) -> None:
    """Checks what does not need the data.

    Args:
        estimator:
            With its arguments as attributes.

    Raises:
        ValueError:
            If one is not legal; the message says which, what came, and what is legal.
    """
    check_space(estimator.space)
    checked_int("epochs", estimator.epochs, 1)
    checked_int("ensemble", estimator.ensemble, 1)
    verbose = estimator.verbose
    checked_int("verbose", int(verbose) if isinstance(verbose, bool) else verbose, 0)
    if estimator.n_trials is not None:
        checked_int("n_trials", estimator.n_trials, 1, otherwise=", or None")
    if estimator.timeout is not None:
        checked_float("timeout", estimator.timeout, above=0, otherwise=" seconds, or None")
    jobs = estimator.n_jobs
    is_int = isinstance(jobs, Integral) and not isinstance(jobs, bool)
    if jobs is not None and not (is_int and jobs != 0):
        raise ValueError(
            "n_jobs must be None, an int of at least 1, or one below 0 (-1: as many as there are "
            f"cores), but is {jobs!r}."
        )
    _check_storage(estimator)
    _check_objectives(estimator.objectives)
    _check_cv(estimator.cv)
    resolve_device(estimator.device)


def seed_of(random_state: Any) -> int:
    """A seed; without touching NumPy's global generator, as ``check_random_state(None)`` would.

    Args:
        random_state:
            None, an int, or a ``RandomState``, of which one number is drawn.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def jobs_of(n_jobs: int | None) -> int:
    """How many processes that is; None is one.

    Args:
        n_jobs:
            As joblib has it: -1 stands for as many as there are cores, -2 for one less.
    """
    return 1 if n_jobs is None else int(effective_n_jobs(n_jobs))


def _check_storage(estimator: Any) -> None:
    storage = estimator.storage
    in_memory = isinstance(storage, InMemoryStorage) or str(storage) in IN_MEMORY
    if in_memory and estimator.n_jobs not in (None, 1):
        raise ValueError(
            f"n_jobs={estimator.n_jobs} needs a storage that processes share, or None, but "
            f"storage={storage!r} is in memory."
        )


def _check_objectives(objectives: Any) -> None:
    legal = f"'score' first, and then any of {', '.join(map(repr, COSTS))}"
    given = [objectives] if isinstance(objectives, str) else list(objectives)
    wrong = [name for name in given[1:] if name not in COSTS]
    if given[:1] != ["score"] or wrong or len(set(given)) < len(given):
        near = get_close_matches(str(wrong[0]), COSTS, n=1) if wrong else []
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"objectives must be {legal}, but is {objectives!r}.{guess}")


def _check_cv(cv: Any) -> None:
    if isinstance(cv, float) and not 0 < cv < 1:
        raise ValueError(
            f"cv must be a share to hold out, between 0 and 1, or a number of folds of at least "
            f"2, or a splitter, but is {cv!r}."
        )
