"""Pruning with several objectives: under every sampler, and after a resume."""

from __future__ import annotations

from pathlib import Path
import warnings

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.trial import TrialState
import pytest

from optuna_nas import create_study
from optuna_nas import SampledTrial
from optuna_nas._reports import reports_in
from optuna_nas.study._create_study import OPTUNAS
from optuna_nas.study._create_study import OURS
from optuna_nas.study._create_study import PARETO_PRUNERS


SEVERAL = ["maximize", "minimize"]


def objective(bare: optuna.Trial) -> tuple[float, float]:
    """Accuracy and latency; the decisions depend on each other."""
    trial = SampledTrial(bare)
    width = trial.suggest_int("width", 1, 16)
    better = trial.suggest_categorical("skip", ["yes", "no"]) == "yes"
    if better:
        width += trial.suggest_int("extra", 0, 4)
    latency = 0.1 * width
    for epoch in range(1, 10):
        accuracy = (1 - 0.5 / width + 0.05 * better) * (1 - 0.6**epoch)
        trial.report([accuracy, latency], epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy, latency


@pytest.mark.parametrize("sampler", [*OURS, *OPTUNAS])
def test_every_sampler_goes_on_when_trials_are_pruned(sampler: str) -> None:
    with warnings.catch_warnings():  # of GP, that it draws the conditional decision at random
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", message=".*independently.*")
        study = create_study(sampler=sampler, directions=SEVERAL, seed=0)
        study.optimize(objective, n_trials=25)
    states = [trial.state for trial in study.trials]
    assert {TrialState.COMPLETE, TrialState.PRUNED} == set(states)
    assert not any(trial.intermediate_values for trial in study.trials)


@pytest.mark.parametrize("pruner", PARETO_PRUNERS)
def test_12_trials_and_12_after_a_resume_end_as_24_do(pruner: str, tmp_path: Path) -> None:
    def ended(name: str, *counts: int) -> list[tuple[TrialState, int]]:
        for count in counts:
            study = create_study(
                directions=SEVERAL,
                pruner=pruner,
                seed=0,
                storage=tmp_path / f"{name}.journal",
                study_name="the brackets follow from the name",
                load_if_exists=True,
            )
            study.optimize(objective, n_trials=count)
        return [(trial.state, len(reports_in(trial.user_attrs))) for trial in study.trials]

    assert ended("two", 12, 12) == ended("one", 24)
