"""``create_study``: Optuna's, with the samplers and pruners of this library by name."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from typing import Literal
from typing import TypeAlias
import warnings

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.exceptions import ExperimentalWarning
from optuna.pruners import BasePruner
from optuna.pruners import HyperbandPruner
from optuna.pruners import MedianPruner
from optuna.pruners import NopPruner
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import BaseSampler
from optuna.samplers import BruteForceSampler
from optuna.samplers import GPSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import TPESampler
from optuna.storages import BaseStorage
from optuna.study import StudyDirection

from optuna_nas._arguments import checked_int
from optuna_nas.pruners import LearningCurvePruner
from optuna_nas.pruners import ParetoSuccessiveHalvingPruner
from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler
from optuna_nas.study._seeds import settle_seed
from optuna_nas.study._seeds import worker_seed
from optuna_nas.study._storage import open_storage
from optuna_nas.study._storage import told_if_unwritable


Direction: TypeAlias = Literal["minimize", "maximize"] | StudyDirection


def _brute_force(seed: int) -> BruteForceSampler:
    """Optuna's grid that walks conditional spaces; the name hides that it is experimental."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return BruteForceSampler(seed=seed)


OURS: Mapping[str, Callable[..., BaseSampler]] = {
    "local_search": LocalSearchSampler,
    "predictor": PredictorSampler,
    "random": RandomSampler,
    "regularized_evolution": RegularizedEvolutionSampler,
    "reinforce": ReinforceSampler,
}
"""Seeded with the study's seed: their proposals are functions of it and the trial's number."""

OPTUNAS: Mapping[str, Callable[..., BaseSampler]] = {
    "tpe": TPESampler,
    "gp": GPSampler,
    "nsga2": NSGAIISampler,
    "grid": _brute_force,
}
"""Seeded by the study's seed where it is created, and at random by every other worker and at each
resume, so that no two repeat the same proposals."""

PRUNERS: Mapping[str, Callable[[], BasePruner]] = {
    "successive_halving": lambda: SuccessiveHalvingPruner(min_resource=2, reduction_factor=3),
    "hyperband": lambda: HyperbandPruner(min_resource=2, reduction_factor=3),
    "learning_curve": LearningCurvePruner,
    "median": lambda: MedianPruner(n_startup_trials=5, n_warmup_steps=2),
}
"""With one objective."""

PARETO_PRUNERS: Mapping[str, Callable[[], BasePruner]] = {
    "successive_halving": lambda: ParetoSuccessiveHalvingPruner(),
    # From 1 on, so that the third bracket begins at 9: short trainings are to reach it too.
    "hyperband": lambda: ParetoSuccessiveHalvingPruner(min_resource=1, brackets=3),
    "learning_curve": LearningCurvePruner,
}
"""With several."""


def create_study(
    *,
    sampler: BaseSampler | str = "regularized_evolution",
    pruner: BasePruner | str | None = "successive_halving",
    direction: Direction | None = None,
    directions: Sequence[Direction] | None = None,
    storage: BaseStorage | str | Path | None = None,
    study_name: str | None = None,
    load_if_exists: bool = False,
    seed: int | None = None,
) -> optuna.Study:
    """Creates or loads a study; what comes back is a plain ``optuna.Study``.

    Example:

        .. code-block:: python

            study = optuna_nas.create_study(direction="maximize", storage="search.journal", seed=0)
            study.optimize(objective, n_trials=50)

    Args:
        sampler:
            ``"regularized_evolution"``, ``"predictor"``, ``"local_search"``, ``"reinforce"``,
            ``"random"``, ``"tpe"``, ``"gp"``, ``"nsga2"``, ``"grid"`` (every architecture once,
            conditional spaces too; it has an end only without continuous decisions, so a float
            needs a ``step``), or a sampler.
        pruner:
            ``"successive_halving"`` (rungs at 2, 6, 18, ... epochs, a third goes on),
            ``"hyperband"``, ``"learning_curve"``, ``"median"``, None, or a pruner. With several
            objectives the first three are those of :mod:`optuna_nas.pruners`, which know of them;
            ``"median"`` and Optuna's others are for one.
        direction:
            ``"maximize"`` or ``"minimize"`` (the default), for one objective.
        directions:
            One of these for each objective.
        storage:
            A path that ends in ``.journal``, an SQLAlchemy URL, ``redis://...``, a storage, or
            None to keep the study in memory.
        study_name:
            By default, for the path of a journal its stem, or to load, the one study in it; to
            load from any other storage, it must be given; in memory it follows from a seed.
        load_if_exists:
            Whether to go on with a study of that name.
        seed:
            Kept in the study; None draws one for a new study. All trainings follow from it, and
            all proposals of our own samplers and ``"random"``, after a resume too.
            Those of Optuna's own samplers follow from it in the process that creates the study;
            other workers and resumes draw anew. A sampler that is given as an object has its own.

    Raises:
        ValueError:
            If a name is unknown or missing, a seed negative or another than the study's, a
            storage none, or a loaded study has other directions; if there are several objectives
            and the pruner knows one.
    """
    _check_name("sampler", sampler, {**OURS, **OPTUNAS}, BaseSampler)
    _check_name("pruner", pruner, PRUNERS, BasePruner | None)
    _pruner(pruner, 1 if directions is None else len(directions))
    seed = None if seed is None else checked_int("seed", seed, 0, otherwise=", or None")
    opened = open_storage(storage)
    if study_name is None and _is_journal(storage):
        study_name = _name_in_journal(str(storage), opened, load_if_exists)
    if study_name is None and storage is None and seed is not None:
        study_name = f"seed-{seed}"  # Hyperband deals its brackets by the name
    if study_name is None and storage is not None and load_if_exists:
        raise ValueError(
            "load_if_exists=True needs a study_name: without one, a new study would begin in this "
            "storage each time. (Of a path that ends in .journal, it would be the file's stem.)"
        )
    created = True
    chosen: Any = {
        "storage": opened,
        "sampler": sampler if isinstance(sampler, BaseSampler) else None,
    }
    try:
        with told_if_unwritable(storage):
            study = optuna.create_study(
                study_name=study_name, direction=direction, directions=directions, **chosen
            )
    except DuplicatedStudyError:
        if not load_if_exists:
            raise
        created = False
        study = optuna.load_study(study_name=study_name, **chosen)
        _check_directions(study, direction, directions)
    study.pruner = _pruner(pruner, len(study.directions))
    seed = settle_seed(study, seed, created=created)
    if sampler in OURS:
        study.sampler = OURS[str(sampler)](seed=seed)
    elif sampler in OPTUNAS:
        study.sampler = OPTUNAS[str(sampler)](seed=worker_seed(seed, created=created))
    return study


def _is_journal(storage: Any) -> bool:
    return isinstance(storage, str | Path) and Path(storage).suffix == ".journal"


def _name_in_journal(path: str, opened: Any, load_if_exists: bool) -> str:
    names = optuna.get_all_study_names(opened) if load_if_exists else []
    return names[0] if len(names) == 1 else Path(path).stem


def _pruner(pruner: BasePruner | str | None, objectives: int) -> BasePruner:
    if pruner is None:
        return NopPruner()
    known = PRUNERS if objectives == 1 else PARETO_PRUNERS
    if isinstance(pruner, str) and pruner in known:
        return known[pruner]()
    if isinstance(pruner, BasePruner) and (
        objectives == 1
        or isinstance(pruner, NopPruner)
        or getattr(pruner, "several_objectives", False)
    ):
        return pruner
    raise ValueError(
        f"pruner {pruner if isinstance(pruner, str) else type(pruner).__name__!r} knows one "
        f"objective, but the study has {objectives}. Take one of {sorted(PARETO_PRUNERS)}, None, "
        "or a pruner with several_objectives = True, such as "
        "optuna_nas.pruners.ParetoSuccessiveHalvingPruner()."
    )


def _check_name(what: str, given: Any, known: Mapping[str, Any], types: Any) -> None:
    if isinstance(given, types) or (isinstance(given, str) and given in known):
        return
    nearest = get_close_matches(str(given).lower().replace("-", "_"), known, n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise ValueError(
        f"{what} must be one of {', '.join(map(repr, sorted(known)))}, or a {what} of Optuna's, "
        f"but got {given!r}.{guess}"
    )


def _check_directions(
    study: optuna.Study,
    direction: Direction | None,
    directions: Sequence[Direction] | None,
) -> None:
    if direction is None and directions is None:
        return
    asked = directions if directions is not None else [direction]
    names = [d.name.lower() if isinstance(d, StudyDirection) else d for d in asked]
    stored = [d.name.lower() for d in study.directions]
    if names != stored:
        raise ValueError(
            f"study {study.study_name!r} in this storage has directions {stored}, not {names}; it "
            "belongs to another search. Give another study_name or storage."
        )
