from __future__ import annotations

from collections.abc import Callable
import logging
import math
from pathlib import Path
import pickle
import threading
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge
import torch
from torch import nn

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import proxies
from optuna_nas import Rejected
from optuna_nas.proxies import Proxy
from optuna_nas.space import Trial
from optuna_nas.study import Screen
from optuna_nas.study import Surrogate
from optuna_nas.study import truth


STATE = "optuna_nas:screen"


class Net(nn.Module):
    """A network whose worth is in one decision, and its size in another."""

    def __init__(self, trial: Trial) -> None:
        super().__init__()
        self.worth = trial.suggest_int("worth", 0, 99)
        width = trial.suggest_int("width", 2, 30)
        self.layers = nn.Sequential(nn.Linear(5, width), nn.ReLU(), nn.Linear(width, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def accuracy(module: Any, trial: Any) -> float:
    return float(module.worth)


def shuffled(module: nn.Module, trial: Any) -> float:
    """What a table of shuffled labels says: nothing of the network."""
    return float(np.random.default_rng(trial.number).random())


def estimate(noise: float) -> Callable[[Any, Any], float]:
    def guess(module: Any, trial: Any) -> float:
        off = np.random.default_rng([7, trial.number]).normal()
        return float(module.worth + noise * off)

    return guess


def search(
    evaluate: Any, screening: Screen | None, n_trials: int = 60, **kwargs: Any
) -> optuna.Study:
    study = create_study(
        **{"sampler": "random", "direction": "maximize", "pruner": None, "seed": 0, **kwargs}
    )
    study.optimize(Objective(Net, evaluate, screen=screening), n_trials=n_trials)
    return study


def rejected(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return [t for t in study.trials if "screened" in t.user_attrs.get("rejected", "")]


def test_a_good_estimate_keeps_poor_candidates_from_training() -> None:
    study = search(accuracy, Screen(estimate(5.0)))
    stopped = rejected(study)
    assert not any(t.number < 20 for t in stopped)
    assert 10 <= len(stopped) <= 25  # of 40, half of four fifths
    assert all(t.state == TrialState.PRUNED for t in stopped)
    trained = [t.value for t in study.trials[20:] if t.value is not None]
    assert np.mean(trained) > np.mean([t.params["worth"] for t in stopped]) + 20
    assert study.user_attrs[STATE]["off"] is None


def test_a_screen_of_quantile_0_only_measures() -> None:
    study = search(accuracy, Screen(accuracy, quantile=0, first=5, unscreened=0.01))
    assert not rejected(study)
    assert truth(study, "accuracy")[-1].trials == 60


def test_a_network_that_cannot_be_copied_is_trained_all_the_same() -> None:
    class Locked(Net):
        def __init__(self, trial: Trial) -> None:
            super().__init__(trial)
            self.lock = threading.Lock()

    rows = torch.rand(8, 5, generator=torch.Generator().manual_seed(0))
    screening = Screen(Proxy(proxies.synflow, (rows, None)))
    study = create_study(sampler="random", direction="maximize", seed=0)
    study.optimize(Objective(Locked, accuracy, example=rows, screen=screening), n_trials=2)
    assert [t.value for t in study.trials] == [float(t.params["worth"]) for t in study.trials]
    assert "cannot be copied" in study.trials[0].user_attrs["unscored"]["synflow"]


def test_the_reason_names_the_score_and_the_limit() -> None:
    stopped = rejected(search(accuracy, Screen(estimate(5.0)), 30))
    pattern = r"screened: guess is -?[\d.]+, below [\d.]+, the 0.5 quantile of all candidates"
    assert all(np.char.count(t.user_attrs["rejected"], "screened") == 1 for t in stopped)
    with pytest.raises(Rejected, match=pattern):
        raise Rejected(stopped[0].user_attrs["rejected"])


def test_a_candidate_is_held_against_those_that_other_workers_scored_meanwhile(
    tmp_path: Path,
) -> None:
    study = create_study(
        sampler="random",
        direction="maximize",
        pruner=None,
        storage=f"sqlite:///{tmp_path}/study.db",
        seed=0,
    )
    waiting = study.ask()
    assert len(study._get_trials(deepcopy=False, use_cache=True)) == 1  # as samplers look
    screening = Screen(estimate(0.0), quantile=0.9, first=5, unscreened=0.01)
    other = create_study(
        sampler="random",
        storage=study._storage,
        study_name=study.study_name,
        load_if_exists=True,
    )
    other.optimize(Objective(Net, accuracy, screen=screening), n_trials=6)
    with pytest.raises(Rejected, match=r"screened: guess is"):
        Objective(Net, accuracy, screen=screening)(waiting)


@pytest.mark.parametrize("seed", range(3))
def test_on_shuffled_labels_the_screen_turns_itself_off_and_says_so_once(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    logger = logging.getLogger("optuna.optuna_nas.study._screen")
    monkeypatch.setattr(logger, "warning", told.append)
    study = search(shuffled, Screen(estimate(5.0)), seed=seed)
    assert not rejected(study)
    off = study.user_attrs[STATE]["off"]
    assert "which is not above zero" in off
    assert len(told) == 1
    assert told[0].startswith("The screen by guess is turned off: its rank correlation with 20 tr")


def test_many_candidates_screened_in_a_row_are_no_cause_for_a_warning() -> None:
    study = search(accuracy, Screen(accuracy, quantile=0.95, unscreened=0.01), 60)
    assert len(rejected(study)) > 30  # and warnings are errors here


def test_an_estimate_that_is_wrong_way_round_is_turned_off() -> None:
    study = search(lambda module, trial: -module.worth, Screen(estimate(5.0)))
    assert not rejected(study)
    assert "not above zero" in study.user_attrs[STATE]["off"]


def test_an_estimate_that_knows_less_than_the_parameter_count_is_turned_off() -> None:
    def size(module: Any, trial: Any) -> float:
        return float(module.layers[0].out_features)

    def weak(module: Any, trial: Any) -> float:
        return size(module, trial) + 6 * np.random.default_rng(trial.number).normal()

    study = search(size, Screen(weak), 80)
    assert not rejected(study)
    off = study.user_attrs[STATE]["off"]
    assert "below that of the parameter count, 1.00 (1.00 to 1.00)" in off


def test_a_screen_that_is_off_goes_on_measuring_and_comes_to_its_right() -> None:
    study = search(shuffled, Screen(estimate(5.0)), 21)
    assert study.user_attrs[STATE]["off"] is not None
    study.optimize(Objective(Net, accuracy, screen=Screen(estimate(5.0))), n_trials=60)
    assert study.user_attrs[STATE]["off"] is None
    stopped = rejected(study)
    assert stopped
    assert min(t.number for t in stopped) > 21


def test_only_trials_that_the_screen_did_not_choose_are_measured() -> None:
    study = search(accuracy, Screen(estimate(5.0), unscreened=0.3), 80)
    seen = [t.user_attrs["screen"] for t in study.trials]
    through = [one for one in seen[20:] if not one["chosen"]]
    assert 8 <= len(through) <= 28  # of 60, 0.3
    assert truth(study, "guess")[-1].trials == 20 + len(through)


def test_the_truth_is_spearmans_of_the_estimate_and_of_the_size() -> None:
    study = search(accuracy, Screen(estimate(20.0), quantile=0.0), 30)
    last = truth(study, "guess")[-1]
    measured = [t for t in study.trials if not t.user_attrs["screen"]["chosen"]]
    scores = [t.user_attrs["screen"]["score"] for t in measured]
    sizes = [t.params["width"] for t in measured]
    worth = [t.value for t in measured]
    assert last.trials == len(measured)
    assert list(last.coefficients) == ["guess", "parameters"]
    found = last.coefficients["guess"]
    assert found.spearman == pytest.approx(spearmanr(scores, worth).statistic)
    assert last.coefficients["parameters"].spearman == pytest.approx(
        spearmanr(sizes, worth).statistic
    )
    assert found.low < found.spearman < found.high
    assert "guess 0." in str(last)


def test_flops_are_a_baseline_too_where_inputs_are_known() -> None:
    study = create_study(sampler="random", direction="maximize", seed=0)
    objective = Objective(Net, accuracy, example=torch.rand(4, 5), screen=Screen(estimate(5.0)))
    study.optimize(objective, n_trials=6)
    last = truth(study, "guess")[-1]
    assert list(last.coefficients) == ["guess", "parameters", "flops"]
    assert last.coefficients["flops"] == last.coefficients["parameters"]


def test_the_meter_has_a_reading_for_each_trial_and_the_last_is_of_all() -> None:
    study = search(accuracy, Screen(estimate(5.0), quantile=0.0, unscreened=1.0), 25)
    readings = truth(study, "guess")
    assert [one.trials for one in readings] == list(range(1, 26))
    assert readings[2].coefficients["guess"].low == -1.0
    assert not truth(study, "another")


def test_direction_and_pruned_trials_are_taken_into_account() -> None:
    def cost(module: Any, trial: Any) -> float:
        trial.report(float(99 - module.worth), 1)
        if module.worth < 30:
            raise optuna.TrialPruned
        return float(99 - module.worth)

    study = search(cost, Screen(estimate(0.0)), 20, direction="minimize")
    assert len([t for t in study.trials if t.state == TrialState.PRUNED]) >= 3
    assert truth(study, "guess")[-1].coefficients["guess"].spearman > 0.95


def test_of_several_objectives_one_is_estimated() -> None:
    screening = Screen(estimate(5.0), objective=1)
    study = create_study(sampler="random", directions=["maximize", "maximize"], seed=0)
    study.optimize(Objective(Net, shuffled, accuracy, screen=screening), n_trials=40)
    assert rejected(study)
    assert truth(study, "guess", objective=1)[-1].coefficients["guess"].low > 0
    assert truth(study, "guess")[-1].coefficients["guess"].low < 0


def test_a_search_in_two_parts_rejects_what_one_in_one_go_rejects(tmp_path: Path) -> None:
    whole = search(accuracy, Screen(estimate(5.0), first=8), 24)
    path = str(tmp_path / "study.journal")
    for _ in range(2):
        parts = search(
            accuracy,
            Screen(estimate(5.0), first=8),
            12,
            storage=path,
            study_name="s",
            load_if_exists=True,
        )
    assert [t.number for t in rejected(parts)] == [t.number for t in rejected(whole)]
    assert rejected(parts)


@pytest.mark.parametrize("infinite", [-math.inf, math.inf])
def test_candidates_that_cannot_be_scored_are_the_poorest(infinite: float) -> None:
    def picky(module: Any, trial: Any) -> float:
        return infinite if module.worth < 40 else float(module.worth)

    study = search(accuracy, Screen(picky, quantile=0.6), 60)
    seen = [(t.params["worth"], t.user_attrs["screen"]) for t in study.trials]
    assert all((one["score"] is None) == (worth < 40) for worth, one in seen)
    assert all(t.value is None or t.value >= 40 for t in study.trials[20:] if seen_by(t))
    assert "picky is -inf" in rejected(study)[0].user_attrs["rejected"]


def seen_by(trial: optuna.trial.FrozenTrial) -> bool:
    chosen: bool = trial.user_attrs["screen"]["chosen"]
    return chosen


def test_without_an_opinion_a_candidate_is_trained() -> None:
    study = search(accuracy, Screen(lambda module, trial: math.nan), 25)
    assert len([t for t in study.trials if t.value is not None]) == 25
    assert not any("screen" in t.user_attrs for t in study.trials)


def test_a_proxy_screens_what_is_trained() -> None:
    rows = (torch.rand(8, 5, generator=torch.Generator().manual_seed(0)), None)
    screening = Screen(Proxy(proxies.synflow, rows), first=5)
    study = search(lambda module, trial: module.layers[0].out_features, screening, 30)
    assert study.user_attrs[STATE]["spearman"]["synflow"][0] > 0.9


def test_outside_a_study_nothing_is_screened() -> None:
    objective = Objective(Net, accuracy, screen=Screen(estimate(5.0)))
    assert objective(optuna.trial.FixedTrial({"worth": 3, "width": 4})) == 3


def test_a_screen_can_be_sent_to_a_worker() -> None:
    screening = Screen(Proxy(proxies.naswot, (torch.rand(4, 5), None)))
    assert pickle.loads(pickle.dumps(screening)).name == "naswot"
    assert pickle.loads(pickle.dumps(Screen(Surrogate(Ridge)))).name == "surrogate"


@pytest.mark.parametrize("regressor", [None, Ridge, lambda: Ridge(alpha=0.1)])
def test_a_predictor_of_finished_trials_is_an_estimate(regressor: Any) -> None:
    study = search(accuracy, Screen(Surrogate(regressor)), 45)
    assert study.user_attrs[STATE]["off"] is None
    assert study.user_attrs[STATE]["spearman"]["surrogate"][0] > 0.8
    assert not any("screen" in t.user_attrs for t in study.trials[:10])
    assert rejected(study)


def test_a_predictor_of_shuffled_labels_is_turned_off() -> None:
    study = search(shuffled, Screen(Surrogate()), 40)
    assert not rejected(study)
    assert "not above zero" in study.user_attrs[STATE]["off"]


def test_a_predictor_does_not_learn_from_what_evaluators_ask() -> None:
    def with_rate(module: Any, trial: Any) -> float:
        return module.worth + trial.suggest_float("lr", 0.0, 1.0)

    study = search(with_rate, Screen(Surrogate(Ridge)), 35)
    assert study.user_attrs[STATE]["spearman"]["surrogate"][0] > 0.9


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"estimate": "synflow"}, TypeError, r"estimate must be a callable.*is 'synflow' \(str\)"),
        ({"estimate": Surrogate}, TypeError, r"estimate must be a callable.*Surrogate.*\(type\)"),
        (
            {"estimate": proxies.synflow},
            TypeError,
            r"but synflow takes a batch, not a trial: write Proxy\(synflow, batch\)",
        ),
        ({"quantile": 1.0}, ValueError, r"quantile must be a finite .* below 1, but got 1.0"),
        ({"quantile": math.nan}, ValueError, r"quantile must be a finite .* 1, but got nan"),
        ({"quantile": "a"}, ValueError, r"quantile must be .* of at least 0 .* got 'a'"),
        ({"first": 4}, ValueError, r"first must be an int of at least 5, but got 4"),
        ({"first": 7.5}, ValueError, r"first must be an int of at least 5, but got 7.5"),
        ({"first": "a"}, ValueError, r"first must be an int of at least 5, but got 'a'"),
        ({"unscreened": 0}, ValueError, r"unscreened must be .* above 0 and at most 1, but got 0"),
        ({"unscreened": None}, ValueError, r"unscreened must be .* above 0.* but got None"),
        ({"objective": "x"}, ValueError, r"objective must be an int of at least 0, but got 'x'"),
        ({"objective": -1}, ValueError, r"objective must be an int of at least 0, but got -1"),
    ],
)
def test_a_screen_that_cannot_work_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Screen(**{"estimate": accuracy, **arguments})


def test_what_is_no_screen_is_refused() -> None:
    with pytest.raises(TypeError, match=r"screen must be a Screen.*but is <function accuracy"):
        Objective(Net, accuracy, screen=accuracy)  # type: ignore[arg-type]


def test_an_objective_that_the_study_has_not_is_refused() -> None:
    message = r"the screen's objective must be an int of at least 0 and below 1.*but got 1"
    with pytest.raises(ValueError, match=message):
        search(accuracy, Screen(accuracy, objective=1), 1)
    message = r"the surrogate's objective must be an int of at least 0 and below 1.*but got 2"
    with pytest.raises(ValueError, match=message):
        search(accuracy, Screen(Surrogate(objective=2)), 1)


def test_a_proxy_without_its_batch_is_no_evaluator_and_the_error_says_what_to_write() -> None:
    message = r"synflow takes a batch, but was given a trial:.* write Proxy\(synflow, batch\)"
    with pytest.raises(TypeError, match=message):
        search(proxies.synflow, None, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"regressor": Ridge()}, TypeError, r"regressor must be a function or class that makes"),
        ({"n_initial": 1}, ValueError, r"n_initial must be an int of at least 2, but got 1"),
        ({"n_initial": "a"}, ValueError, r"n_initial must be an int of at least 2.* got 'a'"),
        ({"objective": "x"}, ValueError, r"objective must be an int of at least 0.* got 'x'"),
    ],
)
def test_a_predictor_that_cannot_work_is_refused(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Surrogate(**arguments)
