"""Checks of an estimator's arguments, which scikit-learn wants in ``fit`` rather than before."""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral
from numbers import Real
from typing import Any

from joblib import effective_n_jobs
import numpy as np
from optuna.storages import InMemoryStorage
from sklearn.utils import check_random_state

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
    for name, low in (("epochs", 1), ("ensemble", 1), ("verbose", 0)):
        _check(name, getattr(estimator, name), f"an int of at least {low}", low)
    if estimator.n_trials is not None:
        _check("n_trials", estimator.n_trials, "None or an int of at least 1", 1)
    timeout = estimator.timeout
    if timeout is not None and not (_is_number(timeout) and 0 < timeout < float("inf")):
        raise ValueError(
            f"timeout must be None or a positive number of seconds, but is {timeout!r}."
        )
    if timeout is None and estimator.n_trials is None:
        raise ValueError("n_trials and timeout are both None: without one the search has no end.")
    jobs = estimator.n_jobs
    if jobs is not None and not (isinstance(jobs, Integral) and _is_number(jobs) and jobs != 0):
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


def _check(name: str, value: Any, expected: str, low: int) -> None:
    if not isinstance(value, Integral) or int(value) < low:
        raise ValueError(f"{name} must be {expected}, but is {value!r}.")


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


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
