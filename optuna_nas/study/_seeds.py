"""One seed for a study, kept in it, and from it one for each trial and each worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from optuna.study import Study
import torch


SEED = "optuna_nas:seed"
"""Study user attr: what every seed is derived from."""

OPENED = "optuna_nas:opened"
"""Study user attr: how often ``create_study`` opened the study; numbers the workers."""


def settle_seed(study: Study, seed: int | None) -> int:
    """Returns the study's seed, which a new study is given here.

    Args:
        study:
            A new or a loaded study.
        seed:
            What the caller asks for; None takes what there is, or draws one.

    Raises:
        ValueError:
            If the study began with another seed.
    """
    stored = study.user_attrs.get(SEED)
    if stored is None:
        stored = seed if seed is not None else int(np.random.SeedSequence().generate_state(1)[0])
        study.set_user_attr(SEED, stored)
    elif seed is not None and seed != stored:
        raise ValueError(
            f"seed={seed}, but study {study.study_name!r} began with seed={stored}; "
            "leave seed out to go on with it."
        )
    return int(stored)


def worker_seed(study: Study, seed: int) -> int:
    """Returns a seed for one of Optuna's samplers, another one for each worker and each resume.

    Args:
        study:
            The study that the worker opened.
        seed:
            The study's.
    """
    opened = int(study.user_attrs.get(OPENED, 0))
    study.set_user_attr(OPENED, opened + 1)
    return _mixed(seed, len(study.get_trials(deepcopy=False)), opened)


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
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(_mixed(seed, number))
        yield


def _mixed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
