from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.pruners import HyperbandPruner
from optuna.pruners import MedianPruner
from optuna.pruners import NopPruner
from optuna.pruners import PercentilePruner
from optuna.pruners import SuccessiveHalvingPruner
from optuna.samplers import BruteForceSampler
from optuna.samplers import CmaEsSampler
from optuna.samplers import GPSampler
from optuna.samplers import NSGAIISampler
from optuna.samplers import TPESampler
from optuna.storages import InMemoryStorage
from optuna.storages import JournalStorage
from optuna.storages import RDBStorage
import pytest

from optuna_nas.pruners import LearningCurvePruner
from optuna_nas.pruners import ParetoSuccessiveHalvingPruner
from optuna_nas.samplers import LocalSearchSampler
from optuna_nas.samplers import PredictorSampler
from optuna_nas.samplers import RandomSampler
from optuna_nas.samplers import RegularizedEvolutionSampler
from optuna_nas.samplers import ReinforceSampler
from optuna_nas.study import create_study
from optuna_nas.study import open_storage
from optuna_nas.study._create_study import OURS


def quadratic(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", -1, 1) ** 2 + trial.suggest_int("y", 0, 9)


def params(study: optuna.Study) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("regularized_evolution", RegularizedEvolutionSampler),
        ("predictor", PredictorSampler),
        ("local_search", LocalSearchSampler),
        ("reinforce", ReinforceSampler),
        ("tpe", TPESampler),
        ("random", RandomSampler),
        ("gp", GPSampler),
        ("nsga2", NSGAIISampler),
        ("grid", BruteForceSampler),
    ],
)
def test_samplers_have_names(name: str, kind: type) -> None:
    study = create_study(sampler=name, seed=0)
    assert type(study) is optuna.Study
    assert type(study.sampler) is kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("successive_halving", SuccessiveHalvingPruner),
        ("hyperband", HyperbandPruner),
        ("learning_curve", LearningCurvePruner),
        ("median", MedianPruner),
        (None, NopPruner),
    ],
)
def test_pruners_have_names(name: str | None, kind: type) -> None:
    assert type(create_study(pruner=name).pruner) is kind


def test_the_defaults_are_evolution_and_successive_halving() -> None:
    study = create_study()
    assert type(study.sampler) is RegularizedEvolutionSampler
    assert type(study.pruner) is SuccessiveHalvingPruner


SEVERAL = ["maximize", "minimize"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("successive_halving", ParetoSuccessiveHalvingPruner),
        ("hyperband", ParetoSuccessiveHalvingPruner),
        ("learning_curve", LearningCurvePruner),
        (None, NopPruner),
    ],
)
def test_with_several_objectives_names_mean_pruners_that_know_of_them(
    name: str | None, kind: type, tmp_path: Path
) -> None:
    where = tmp_path / "s.journal"
    assert type(create_study(pruner=name, directions=SEVERAL, storage=where).pruner) is kind
    loaded = create_study(pruner=name, storage=where, load_if_exists=True)
    assert type(loaded.pruner) is kind


@pytest.mark.parametrize("pruner", ["median", MedianPruner(), HyperbandPruner()])
def test_a_pruner_that_knows_one_objective_is_refused_with_several(pruner: Any) -> None:
    name = pruner if isinstance(pruner, str) else type(pruner).__name__
    with pytest.raises(
        ValueError,
        match=rf"pruner '{name}' knows one objective, but the study has 2\. Take one of "
        r"\['hyperband', 'learning_curve', 'successive_halving'\], None, or a pruner with "
        r"several_objectives = True",
    ):
        create_study(pruner=pruner, directions=SEVERAL)


def test_a_pruner_of_ones_own_that_knows_several_objectives_is_taken() -> None:
    class Mine(NopPruner):
        several_objectives = True

    pruner = Mine()
    assert create_study(pruner=pruner, directions=SEVERAL).pruner is pruner


def test_optunas_own_samplers_pruners_and_storages_are_taken_as_they_are() -> None:
    sampler, pruner, storage = CmaEsSampler(), PercentilePruner(50.0), InMemoryStorage()
    study = create_study(sampler=sampler, pruner=pruner, storage=storage)
    assert (study.sampler, study.pruner, study._storage) == (sampler, pruner, storage)


def test_grid_gives_every_architecture_once_in_a_conditional_space() -> None:
    def objective(trial: optuna.Trial) -> float:
        if trial.suggest_categorical("op", ["conv", "skip"]) == "conv":
            return trial.suggest_int("kernel", 1, 3)
        return 0.0

    study = create_study(sampler="grid", seed=0)
    study.optimize(objective, n_trials=20)
    assert len(study.trials) == len({str(p) for p in params(study)}) == 4


def test_the_grid_of_continuous_decisions_has_no_end_and_is_refused() -> None:
    with pytest.raises(ValueError, match=r"step must be given for BruteForceSampler"):
        create_study(sampler="grid", seed=0).optimize(quadratic, n_trials=2)


@pytest.mark.parametrize("sampler", [*OURS, "tpe", "nsga2"])
def test_one_seed_gives_one_search(sampler: str) -> None:
    first, second = (create_study(sampler=sampler, seed=7) for _ in range(2))
    for study in (first, second):
        study.optimize(quadratic, n_trials=15)
    assert params(first) == params(second)
    assert first.user_attrs["optuna_nas:seed"] == 7


@pytest.mark.parametrize("sampler", OURS)
def test_the_search_goes_on_after_a_resume_as_if_nothing_had_happened(
    sampler: str, tmp_path: Path
) -> None:
    whole = create_study(sampler=sampler, seed=1)
    whole.optimize(quadratic, n_trials=24)
    path = tmp_path / "search.journal"
    for _ in range(2):
        resumed = create_study(
            sampler=sampler, storage=path, load_if_exists=True, seed=None if path.exists() else 1
        )
        resumed.optimize(quadratic, n_trials=12)
    assert params(resumed) == params(whole)


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "gp"])
def test_a_second_worker_of_optunas_samplers_does_not_repeat_the_first(
    sampler: str, tmp_path: Path
) -> None:
    storage = f"sqlite:///{tmp_path / 'search.db'}"
    for _ in range(2):
        study = create_study(
            sampler=sampler, storage=storage, study_name="s", load_if_exists=True, seed=1
        )
        study.optimize(quadratic, n_trials=3)
    assert len({p["x"] for p in params(study)}) == 6


def test_a_seed_may_be_a_number_of_numpys() -> None:
    seed = create_study(seed=np.int64(7)).user_attrs["optuna_nas:seed"]  # type: ignore[arg-type]
    assert (seed, type(seed)) == (7, int)


def test_a_study_of_optunas_is_given_a_seed_when_it_is_opened() -> None:
    storage = InMemoryStorage()
    optuna.create_study(storage=storage, study_name="s").add_trial(optuna.create_trial(value=1.0))
    study = create_study(storage=storage, study_name="s", load_if_exists=True, seed=3)
    assert study.user_attrs["optuna_nas:seed"] == 3


def test_no_seed_draws_one_and_keeps_it() -> None:
    first, second = create_study(), create_study()
    assert first.user_attrs["optuna_nas:seed"] != second.user_attrs["optuna_nas:seed"]


def test_a_journals_study_is_named_after_its_file_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "search.journal"
    study = create_study(storage=str(path))
    assert study.study_name == "search"
    assert isinstance(study._storage, JournalStorage)
    assert path.exists()


def test_the_one_study_of_a_journal_is_loaded_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "study.journal"
    create_study(storage=path, study_name="digits")
    assert create_study(storage=path, load_if_exists=True).study_name == "digits"
    create_study(storage=path, study_name="more")
    assert create_study(storage=path, load_if_exists=True).study_name == "study"


def test_urls_are_optunas(tmp_path: Path) -> None:
    study = create_study(storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert isinstance(study._storage, RDBStorage) or hasattr(study._storage, "_backend")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"sampler": "tp"},
            r"sampler must be one of 'gp', 'grid'.*'tp'\. Did you mean 'tpe'\?",
        ),
        ({"sampler": "nsgaii"}, r"Did you mean 'nsga2'"),
        ({"sampler": "NSGA-II"}, r"but got 'NSGA-II'\. Did you mean 'nsga2'\?"),
        ({"sampler": "TPE"}, r"but got 'TPE'\. Did you mean 'tpe'\?"),
        (
            {"sampler": "Regularized-Evolution"},
            r"but got 'Regularized-Evolution'\. Did you mean 'regularized_evolution'\?",
        ),
        ({"sampler": None}, r"sampler must be one of .* but got None"),
        (
            {"pruner": "sucessive_halving"},
            r"pruner must be one of .*Did you mean 'successive_halving'",
        ),
        ({"pruner": 3}, r"pruner must be one of .* but got 3"),
        ({"seed": -1}, r"seed must be an int of at least 0, or None, but got -1"),
        ({"seed": 1.5}, r"seed must be an int of at least 0, or None, but got 1.5"),
        ({"seed": True}, r"seed must be an int of at least 0, or None, but got True"),
        ({"seed": np.int64(-1)}, r"seed must be an int of at least 0, or None, but got .*-1"),
        ({"storage": "study.txt"}, r"storage must be a path that ends in \.journal.*'study\.txt'"),
        ({"storage": 7}, r"storage must be a path that ends in \.journal.* but got 7"),
    ],
)
def test_bad_input_is_an_error_that_says_what_is_legal(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        create_study(**given)


def test_a_directory_in_place_of_a_storage_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"storage is a directory.*Name a file in it: .*study\.j"):
        create_study(storage=tmp_path)


def test_a_directory_named_like_a_journal_is_an_error_without_that_advice(tmp_path: Path) -> None:
    path = tmp_path / "x.journal"
    path.mkdir()
    with pytest.raises(ValueError, match=r"^storage is a directory: .*x\.journal\. Give another"):
        create_study(storage=path)


def test_a_folder_that_cannot_be_made_or_written_to_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "x.journal"
    message = r"^storage .*x\.journal cannot be written: {} \(.*\)\. Give a path in a folder that"
    with pytest.raises(ValueError, match=message.format("(Not a directory|File exists)")):
        create_study(storage=tmp_path / "file" / "x.journal")
    create_study(storage=path)

    def deny(*arguments: Any, **options: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr(os, "symlink", deny)  # of the lock file; root may write anywhere
    monkeypatch.setattr(os, "open", deny)
    with pytest.raises(ValueError, match=message.format("Permission denied")):
        create_study(storage=path, load_if_exists=True)
    with pytest.raises(ValueError, match=r"^the storage cannot be written: Permission denied"):
        create_study(storage=open_storage(path), study_name="y")


@pytest.mark.parametrize("kind", ["URL", "storage"])
def test_loading_needs_a_name_where_no_file_gives_one(kind: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    with pytest.raises(ValueError, match="load_if_exists=True needs a study_name: without one"):
        create_study(storage=url if kind == "URL" else InMemoryStorage(), load_if_exists=True)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "[1]\n", '{"a": 1}\n'])
def test_a_file_of_another_kind_is_an_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "data.journal"
    path.write_text(content)
    with pytest.raises(ValueError, match="holds something else than an Optuna journal"):
        create_study(storage=path)


def test_a_study_that_exists_is_an_error_unless_it_is_to_be_loaded(tmp_path: Path) -> None:
    create_study(storage=tmp_path / "a.journal")
    with pytest.raises(optuna.exceptions.DuplicatedStudyError, match="load_if_exists"):
        create_study(storage=tmp_path / "a.journal")


def test_a_study_with_other_directions_is_another_search(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    create_study(storage=path, directions=["maximize", "minimize"])
    with pytest.raises(ValueError, match=r"\['maximize', 'minimize'\], not \['maximize'\]"):
        create_study(storage=path, load_if_exists=True, direction="maximize")
    assert len(create_study(storage=path, load_if_exists=True).directions) == 2


def test_another_seed_than_the_studys_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    create_study(storage=path, seed=1)
    with pytest.raises(
        ValueError, match=r"seed=2, but study 'a' began with seed=1; leave seed out"
    ):
        create_study(storage=path, load_if_exists=True, seed=2)


def test_hyperbands_brackets_in_memory_follow_from_the_seed() -> None:
    def states(seed: int) -> list[str]:
        def objective(trial: optuna.Trial) -> float:
            x = trial.suggest_float("x", 0, 1)
            for step in range(1, 10):
                trial.report(x * step, step)
                if trial.should_prune():
                    raise optuna.TrialPruned
            return x

        study = create_study(sampler="random", pruner="hyperband", seed=seed)
        study.optimize(objective, n_trials=12)
        return [trial.state.name for trial in study.trials]

    assert states(0) == states(0)
    assert "PRUNED" in states(0)
