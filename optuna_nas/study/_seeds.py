"""One seed for a study, kept in it, and from it one for each trial and each worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep

import numpy as np
from optuna.study import Study

from optuna_nas.training._seeds import seeded


SEED = "optuna_nas:seed"
"""Study user attr: what every seed is derived from."""


def settle_seed(study: Study, seed: int | None, *, created: bool) -> int:
    """Returns the study's seed, which a new study is given here.

    Args:
        study:
            A new or a loaded study.
        seed:
            What the caller asks for; None takes what there is, or draws one.
        created:
            Whether this process created the study. One process does; the others wait for its seed.

    Raises:
        ValueError:
            If the study began with another seed.
    """
    stored = None if created else _stored(study)
    if stored is None:
        stored = seed if seed is not None else _mixed()
        study.set_user_attr(SEED, stored)
    elif seed is not None and seed != stored:
        raise ValueError(
            f"seed={seed}, but study {study.study_name!r} began with seed={stored}; "
            "leave seed out to go on with it."
        )
    return int(stored)


def _stored(study: Study) -> int | None:
    """The seed in a study that is there already, perhaps only since a moment."""
    for _ in range(20):
        if SEED in study.user_attrs or study.get_trials(deepcopy=False):
            break
        sleep(0.05)
    return study.user_attrs.get(SEED)


def worker_seed(seed: int, *, created: bool) -> int:
    """Returns a seed for one of Optuna's samplers.

    Args:
        seed:
            The study's.
        created:
            Whether this process created the study. Only then it follows from the study's seed:
            workers that come at the same moment see the same study, so nothing in it could tell
            them apart.
    """
    return _mixed(seed) if created else _mixed()


@contextmanager
def trial_rng(study: Study | None, number: int) -> Iterator[None]:
    """Seeds torch from (the study's seed, the trial's number), and puts its state back after.

    Args:
        study:
            The study. Without a seed in it, torch is left alone.
        number:
            The trial's number.
    """
    seed = None if study is None else study.user_attrs.get(SEED)
    if seed is None:
        yield
        return
    with seeded(_mixed(seed, number)):
        yield


def _mixed(*numbers: int) -> int:
    """One number from several; from none, a random one."""
    return int(np.random.SeedSequence(numbers or None).generate_state(1)[0])
